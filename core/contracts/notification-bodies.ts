import * as z from "zod";
import { instant } from "./fields.ts";
import { callerText } from "./ids.ts";
import { limits } from "./limits.ts";
import { shownText } from "./shown-text.ts";

/** Who is told of new articles, how, and of what. */

/** Messages never quote what was sent: it may be an address. */
const emailAddress = z
  .email({ error: "must be one address, like ada@example.com, without a name" })
  .max(limits.maxEmailAddressLength, `must be at most ${limits.maxEmailAddressLength} characters`);

const base64Url = (name: string, bytes: number) =>
  z
    .string()
    .regex(/^[A-Za-z0-9_-]+={0,2}$/, `${name} must be base64url`)
    .refine(
      (text) => Math.floor((text.replace(/=+$/, "").length * 3) / 4) === bytes,
      `${name} must hold ${bytes} bytes`,
    );

/** As a browser's `PushSubscription.toJSON()` says it. */
const pushSubscription = z.strictObject({
  endpoint: callerText("endpoint", limits.maxUrlBytes),
  expirationTime: z.number().nullable().optional(),
  keys: z.strictObject({ p256dh: base64Url("p256dh", 65), auth: base64Url("auth", 16) }),
});

/** When the reader agreed to this channel: without it nothing is sent. */
const consent = { consentedAt: instant };

const channels = {
  email: z.strictObject({ address: emailAddress, ...consent }),
  webPush: z.strictObject({ subscription: pushSubscription, ...consent }),
  inbox: z.strictObject(consent),
};
export const putFollowerSchema = z.strictObject({ channels: z.strictObject(channels).partial() });
/** Channels that are left out stay as they are; null ends one. */
export const patchFollowerSchema = z.strictObject({
  channels: z.strictObject({
    email: channels.email.nullish(),
    webPush: channels.webPush.nullish(),
    inbox: channels.inbox.nullish(),
  }),
});

const articleUrl = shownText("url", limits.maxUrlBytes)
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "must be an https URL")
  .refine((text) => {
    const { username = "", password = "" } = URL.parse(text) ?? {};
    return username + password === "";
  }, "must not hold a user name or password");

export const publishArticleSchema = z.strictObject({
  /** Where the article is read: what notifications link to. */
  url: articleUrl,
  /** Default: as it is registered. */
  title: shownText("title", limits.maxTitleBytes).optional(),
  excerpt: shownText("excerpt", limits.maxExcerptBytes).optional(),
});

/** The same with where to send news of the job. */
export const requestPublicationSchema = publishArticleSchema.extend({
  callbackUrl: z.string().max(limits.maxUrlBytes).optional(),
});
