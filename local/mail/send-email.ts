import { randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import { AwsError, type RestOperation } from "../aws-json-server.ts";
import { readProperties } from "../templates/properties.ts";
import { region } from "../templates/resource-types.ts";
import type { Resource } from "../templates/resources.ts";
import { eventsOf, type MailEvents, readMailEvents } from "./mail-events.ts";
import type { Mail, Mailbox } from "./mailbox.ts";
import { readHeaders, writeMessage } from "./message.ts";
import { readSendEmail, type SendEmailInput } from "./send-email-input.ts";

const identityShape = {
  EmailIdentity: z.string(),
  ConfigurationSetAttributes: z
    .strictObject({ ConfigurationSetName: z.string().optional() })
    .optional(),
};
/** Proofs that an address is one's own, and where bounces go: nothing is delivered here. */
const identityIgnored = [
  "DkimAttributes",
  "DkimSigningAttributes",
  "FeedbackAttributes",
  "MailFromAttributes",
  "Tags",
];
/** How mail is delivered, followed and counted. */
const setIgnored = [
  "ArchivingOptions",
  "DeliveryOptions",
  "ReputationOptions",
  "SendingOptions",
  "SuppressionOptions",
  "Tags",
  "TrackingOptions",
  "VdmOptions",
];
const maxRecipients = 50;

interface MailResources {
  readonly identities: readonly Resource[];
  readonly configurationSets: readonly Resource[];
  readonly eventDestinations: readonly Resource[];
  readonly mailbox: Mailbox;
}

interface Sender {
  /** Addresses and domains that mail may come from, and what each uses if nothing else is said. */
  readonly identities: readonly { readonly name: string; readonly set: string | undefined }[];
  readonly events: MailEvents;
  readonly mailbox: Mailbox;
}

/** SES: sends from the identities of the templates, to the local mailbox and nowhere else. */
export function mailOperations({
  identities,
  configurationSets,
  eventDestinations,
  mailbox,
}: MailResources): RestOperation[] {
  for (const set of configurationSets) {
    readProperties(set, { Name: z.string().optional() }, setIgnored);
  }
  const sets = new Set(configurationSets.map(({ ref }) => ref));
  const sender: Sender = {
    identities: identities.map((one) => {
      const properties = readProperties(one, identityShape, identityIgnored);
      return {
        name: properties.EmailIdentity.toLowerCase(),
        set: properties.ConfigurationSetAttributes?.ConfigurationSetName,
      };
    }),
    events: readMailEvents(eventDestinations),
    mailbox,
  };
  return [
    {
      method: "POST",
      path: /^\/v2\/email\/outbound-emails$/,
      run({ json }) {
        const input = readSendEmail(json());
        const { ConfigurationSetName: set } = input;
        if (set !== undefined && !sets.has(set)) {
          const message = `Configuration set <${set}> does not exist.`;
          throw new AwsError("NotFoundException", message, 404);
        }
        return { MessageId: send(input, sender) };
      },
    },
  ];
}

function send(input: SendEmailInput, { identities, events, mailbox }: Sender): string {
  const id = `${randomBytes(8).toString("hex")}-${randomUUID()}-000000`;
  const { Simple: simple, Raw: raw } = input.Content;
  const rawBytes = Buffer.from(raw?.Data ?? "", "base64");
  const headers = readHeaders(rawBytes.toString("utf8"));
  const from = input.FromEmailAddress ?? headers.get("from") ?? "";
  const { ToAddresses: to = [], CcAddresses: cc = [], BccAddresses: bcc = [] } = input.Destination;
  const named = [...to, ...cc, ...bcc];
  const recipients = named.length > 0 ? named : listed(headers.get("to"), headers.get("cc"));
  const identity = identityOf(from, identities);
  if (recipients.length === 0 || recipients.length > maxRecipients) {
    const message = `a message has 1 to ${maxRecipients} recipients, this one ${recipients.length}`;
    throw new AwsError("BadRequestException", message);
  }
  const date = new Date();
  const tags = Object.fromEntries(input.EmailTags.map(({ Name, Value }) => [Name, Value]));
  const mail = { id, sentAt: date.toISOString(), from, to: recipients, tags };
  const keep = (kept: Mail, eml: string | Buffer) =>
    mailbox.keep(kept, eml, eventsOf(kept, input.ConfigurationSetName ?? identity.set, events));
  if (simple === undefined) {
    keep({ ...mail, subject: headers.get("subject") ?? "" }, rawBytes);
    return id;
  }
  const { Text, Html } = simple.Body;
  const message = { subject: simple.Subject.Data, text: Text?.Data, html: Html?.Data };
  const eml = writeMessage({
    ...message,
    ...{ id, date, from, to, cc },
    replyTo: input.ReplyToAddresses,
    headers: simple.Headers.map(({ Name, Value }) => ({ name: Name, value: Value })),
    attachments: simple.Attachments.map((file) => ({
      fileName: file.FileName,
      contentType: file.ContentType,
      disposition: file.ContentDisposition === "INLINE" ? "inline" : "attachment",
      contentId: file.ContentId,
      content: Buffer.from(file.RawContent, "base64"),
    })),
  });
  keep({ ...mail, ...message }, eml);
  return id;
}

function listed(...headers: (string | undefined)[]): string[] {
  return headers
    .flatMap((header) => header?.split(",") ?? [])
    .map((address) => address.trim())
    .filter(Boolean);
}

/** An identity is an address, or a domain with all of its subdomains. */
function identityOf(from: string, identities: Sender["identities"]) {
  const address = (/<([^<>]+)>\s*$/.exec(from)?.[1] ?? from).trim().toLowerCase();
  const domain = address.slice(address.lastIndexOf("@") + 1);
  const known = identities.find(({ name }) =>
    name.includes("@") ? name === address : domain === name || domain.endsWith(`.${name}`),
  );
  if (known && address.includes("@")) return known;
  throw new AwsError(
    "MessageRejected",
    "Email address is not verified. The following identities failed the check in region " +
      `${region.toUpperCase()}: ${address}`,
  );
}
