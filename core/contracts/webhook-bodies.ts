import * as z from "zod";
import { instant } from "./fields.ts";
import { limits } from "./limits.ts";
import { pageQuerySchema } from "./queries.ts";
import { shownText } from "./shown-text.ts";
import { deliveryStates, webhookEventTypeSchema, webhookEventTypes } from "./webhook-events.ts";

/** What an endpoint is. Its URL is judged by the rules for every address that we call. */
const endpoint = {
  url: z.string().min(1),
  /** Which events it is told of; left out: all of them, those of the future too. */
  events: z
    .array(webhookEventTypeSchema)
    .min(1, "must name at least one event; leave it out for all")
    .max(webhookEventTypes.length)
    .optional(),
  description: shownText("description", limits.maxTitleBytes).optional(),
  /** Deliveries of one job or creator one after the other. */
  ordered: z.boolean().default(false),
};

export const createWebhookEndpointSchema = z.strictObject(endpoint);
/** `enabled: true` puts one to work again that was disabled. */
export const putWebhookEndpointSchema = z.strictObject({
  ...endpoint,
  enabled: z.boolean().default(true),
});
/** A PATCH changes what it names; `events: null` means all, `description: null` none. */
export const patchWebhookEndpointSchema = z.strictObject({
  url: endpoint.url.optional(),
  events: endpoint.events.nullable(),
  description: endpoint.description.nullable(),
  ordered: z.boolean().optional(),
  enabled: z.boolean().optional(),
});
export const rotateWebhookSecretSchema = z.strictObject({
  /** How long the secrets before stay valid: 0 for one that others know. */
  overlapHours: z
    .int()
    .min(0)
    .max(limits.maxSecretOverlapMs / 3_600_000)
    .default(limits.secretOverlapMs / 3_600_000),
});
export const resendWebhooksSchema = z.strictObject({ since: instant });
/** There is nothing to say. */
export const emptySchema = z.strictObject({});

export const webhookEndpointIdSchema = z
  .string()
  .regex(
    /^ep_[0-9a-f]{24}$/,
    "must be an endpoint's id, as POST /v1/webhook-endpoints answered it",
  );
export const webhookDeliveriesQuerySchema = pageQuerySchema.extend({
  endpointId: z
    .string()
    .regex(/^(?:ep_[0-9a-f]{24}|callbacks)$/, "must be an endpoint's id, or callbacks")
    .optional(),
  state: z
    .enum(deliveryStates, { error: `must be one of ${deliveryStates.join(", ")}` })
    .optional(),
  since: instant.optional(),
});
