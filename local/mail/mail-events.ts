import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Entry } from "../events/entries.ts";
import { boolean, readProperties } from "../templates/properties.ts";
import { account, region } from "../templates/resource-types.ts";
import type { Resource } from "../templates/resources.ts";
import type { Mail } from "./mailbox.ts";

const destinationShape = {
  ConfigurationSetName: z.string(),
  EventDestination: z.strictObject({
    Name: z.string().optional(),
    Enabled: boolean.default(true),
    MatchingEventTypes: z.array(z.string()),
    EventBridgeDestination: z.strictObject({
      EventBusArn: z.string().endsWith(":event-bus/default", { error: "SES knows no other bus" }),
    }),
  }),
};

/** Which events SES tells of e-mails that are sent with a configuration set. */
export type MailEvents = ReadonlyMap<string, ReadonlySet<string>>;

export function readMailEvents(destinations: readonly Resource[]): MailEvents {
  const events = new Map<string, Set<string>>();
  for (const resource of destinations) {
    const { ConfigurationSetName: set, EventDestination } = readProperties(
      resource,
      destinationShape,
    );
    const { Enabled, MatchingEventTypes } = EventDestination;
    const told = events.get(set) ?? new Set();
    for (const type of Enabled ? MatchingEventTypes : []) told.add(type);
    events.set(set, told);
  }
  return events;
}

/** SES' own addresses for trying out: what is sent there bounces, or is complained about. */
const simulated = /^[^<]*<?(bounce|complaint)(?:\+[^@]*)?@simulator\.amazonses\.com>?$/i;

/** What SES puts on the default bus about an e-mail that it took. */
export function eventsOf(mail: Mail, set: string | undefined, events: MailEvents): Entry[] {
  const told = set === undefined ? undefined : events.get(set);
  if (set === undefined || told === undefined) return [];
  const timestamp = mail.sentAt;
  const about = { timestamp, ...mailDetail(mail, set) };
  const simulatedEnd = (what: string) =>
    mail.to.filter((address) => simulated.exec(address)?.[1]?.toLowerCase() === what);
  const [bounced, complained] = [simulatedEnd("bounce"), simulatedEnd("complaint")];
  const feedbackId = `${randomBytes(8).toString("hex")}-000000`;
  return [
    ...(told.has("send") ? [entry(mail, "Email Sent", "Send", about, { send: {} })] : []),
    ...(told.has("bounce") && bounced.length > 0
      ? [
          entry(mail, "Email Bounced", "Bounce", about, {
            bounce: {
              ...{ bounceType: "Permanent", bounceSubType: "General", timestamp, feedbackId },
              bouncedRecipients: bounced.map((emailAddress) => ({
                ...{ emailAddress, action: "failed", status: "5.1.1" },
              })),
            },
          }),
        ]
      : []),
    ...(told.has("complaint") && complained.length > 0
      ? [
          entry(mail, "Email Complaint Received", "Complaint", about, {
            complaint: {
              ...{ timestamp, feedbackId, complaintFeedbackType: "abuse" },
              complainedRecipients: complained.map((emailAddress) => ({ emailAddress })),
            },
          }),
        ]
      : []),
  ];
}

function mailDetail({ id, from, to, subject, tags }: Mail, set: string) {
  const domain = /@([^@>]+)>?$/.exec(from)?.[1] ?? "";
  return {
    source: from,
    sendingAccountId: account,
    messageId: id,
    destination: to,
    headersTruncated: false,
    commonHeaders: { from: [from], to, messageId: id, subject },
    tags: {
      "ses:configuration-set": [set],
      "ses:from-domain": [domain],
      "ses:caller-identity": ["local"],
      ...Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, [value]])),
    },
  };
}

function entry(mail: Mail, type: string, eventType: string, about: object, facts: object): Entry {
  return {
    Source: "aws.ses",
    DetailType: type,
    Resources: [`arn:aws:ses:${region}:${account}:identity/${mail.from}`],
    Detail: JSON.stringify({ eventType, mail: about, ...facts }),
  };
}
