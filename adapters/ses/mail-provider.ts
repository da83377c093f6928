import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { composeMail } from "../../core/notifications/compose-mail.ts";
import type { Provider } from "../../core/notifications/tell-readers.ts";
import type { UnsubscribeTokens } from "../../core/notifications/unsubscribe.ts";
import { rateOf } from "../../core/pacing/rate-limiter.ts";
import type { Clock } from "../../core/values/time.ts";

/** As the stack says it; null: the stage sends no e-mail. */
export interface MailSettings {
  readonly from: string;
  readonly perSecond: number;
  readonly configurationSet: string;
}

interface Deps {
  readonly settings: MailSettings | null;
  /** Where links in e-mails lead: the API's own address. */
  readonly apiUrl: string;
  readonly tokens: UnsubscribeTokens;
  readonly clock: Clock;
  /** The error's name only: its message may quote an address. */
  readonly onRefused: (reason: string) => void;
}

/** SES knows no idempotency: nothing may be sent again by the SDK itself. */
const sesClient = new SESv2Client({
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 9_000, throwOnRequestTimeout: true },
});

/** Names of errors with which SES says that it did not take a message. */
const rejected: readonly string[] = ["BadRequestException", "MessageRejected"];
const refused: readonly string[] = [
  ...["TooManyRequestsException", "ThrottlingException", "LimitExceededException"],
  ...["AccountSuspendedException", "SendingPausedException"],
  ...["MailFromDomainNotVerifiedException", "NotFoundException", "AccessDeniedException"],
];

/** What SES refused once it refuses for a while: the others of a chunk need not ask, too. */
const heldForMs = 2_000;

export function mailProvider(deps: Deps): Provider {
  const { settings, apiUrl, tokens, clock } = deps;
  let heldUntilMs = 0;
  return {
    channel: "email",
    rate: settings ? rateOf(settings.perSecond) : undefined,
    heldMs() {
      const leftMs = heldUntilMs - clock.nowMs();
      return leftMs > 0 ? leftMs : undefined;
    },
    async send({ creatorId, readerId, email }, plan, tag) {
      if (!settings || !email) throw new Error("nobody can be written to without an address");
      const token = await tokens.sign({ creatorId, readerId, channel: "email" });
      const mail = composeMail(plan, creatorId, `${apiUrl}/v1/unsubscribe?token=${token}`);
      const text = (Data: string) => ({ Data, Charset: "UTF-8" });
      const command = new SendEmailCommand({
        FromEmailAddress: settings.from,
        Destination: { ToAddresses: [email.address] },
        ConfigurationSetName: settings.configurationSet,
        EmailTags: [{ Name: "told", Value: tag }],
        Content: {
          Simple: {
            Subject: text(mail.subject),
            Body: { Text: text(mail.text), Html: text(mail.html) },
            Headers: Object.entries(mail.headers).map(([Name, Value]) => ({ Name, Value })),
          },
        },
      });
      try {
        await sesClient.send(command);
        return { kind: "sent" };
      } catch (error) {
        const { name } = error as Error;
        deps.onRefused(name);
        if (rejected.includes(name)) return { kind: "rejected" };
        if (!refused.includes(name)) return { kind: "unknown" };
        heldUntilMs = clock.nowMs() + heldForMs;
        return { kind: "refused" };
      }
    },
  };
}
