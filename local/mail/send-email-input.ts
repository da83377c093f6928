import { z } from "zod";
import { AwsError } from "../aws-json-server.ts";

/** A header must not be able to begin another one. */
const line = z.string().regex(/^[^\r\n]*$/, "a line break is not allowed here");
const addresses = z.array(line).default([]);
const content = z.strictObject({ Data: z.string(), Charset: z.string().optional() });
const attachment = z.strictObject({
  RawContent: z.base64(),
  FileName: line,
  ContentType: line.default("application/octet-stream"),
  ContentDisposition: z.enum(["ATTACHMENT", "INLINE"]).default("ATTACHMENT"),
  ContentDescription: line.optional(),
  ContentId: line.optional(),
  ContentTransferEncoding: z.string().optional(),
});
const inputShape = z.strictObject({
  FromEmailAddress: line.optional(),
  Destination: z
    .strictObject({ ToAddresses: addresses, CcAddresses: addresses, BccAddresses: addresses })
    .default({ ToAddresses: [], CcAddresses: [], BccAddresses: [] }),
  ReplyToAddresses: addresses,
  ConfigurationSetName: z.string().optional(),
  EmailTags: z.array(z.strictObject({ Name: z.string(), Value: z.string() })).default([]),
  FeedbackForwardingEmailAddress: z.string().optional(),
  Content: z.strictObject({
    Simple: z
      .strictObject({
        Subject: content.extend({ Data: line }),
        Body: z.strictObject({ Text: content.optional(), Html: content.optional() }),
        Headers: z
          .array(z.strictObject({ Name: z.string().regex(/^[!-9;-~]+$/), Value: line }))
          .default([]),
        Attachments: z.array(attachment).default([]),
      })
      .optional(),
    Raw: z.strictObject({ Data: z.base64() }).optional(),
  }),
});

export type SendEmailInput = z.infer<typeof inputShape>;

/** Reads what SendEmail takes; templates of SES and its contact lists are not known here. */
export function readSendEmail(body: Record<string, unknown>): SendEmailInput {
  const result = inputShape.safeParse(body);
  if (!result.success) {
    throw new AwsError("BadRequestException", z.prettifyError(result.error).replaceAll("\n", " "));
  }
  const { Simple, Raw } = result.data.Content;
  if ((Simple === undefined) !== (Raw === undefined)) return result.data;
  throw new AwsError("BadRequestException", "Content is to be Simple or Raw");
}
