import { generateRequestDetails } from "web-push";
import { composePush } from "../../core/notifications/compose-push.ts";
import type { Follower } from "../../core/notifications/follower.ts";
import type { Provider, Sending } from "../../core/notifications/tell-readers.ts";
import type { OutboundCaller } from "../../core/outbound/outbound-caller.ts";
import { comeBackAtMs } from "../../core/outbound/retry-after.ts";
import { rateOf } from "../../core/pacing/rate-limiter.ts";
import type { Clock } from "../../core/values/time.ts";
import { sha256Hex } from "../runtime.ts";
import type { VapidKeys } from "./vapid-keys.ts";

interface Deps {
  readonly outbound: OutboundCaller;
  readonly keys: () => Promise<VapidKeys>;
  /** Whom a push service asks when something is wrong: a `mailto:` or `https:` URL. */
  readonly contact: string;
  readonly perSecond: number;
  readonly clock: Clock;
  readonly onRefused: (reason: string) => void;
}

/** A message that no device fetched for so long is of no use any more. */
const ttlSeconds = 3 * 86_400;
const timeoutMs = 9_000;
/** How long a service that did not answer is left alone. */
const silentForMs = 30_000;
const maxHeldMs = 3_600_000;

/** Browsers' push services, each of which is left alone for itself when it asks for it. */
export function pushProvider(deps: Deps): Provider {
  const { outbound, clock } = deps;
  const heldUntilMs = new Map<string, number>();
  const hold = (origin: string, forMs: number): Sending => {
    const retryAfterMs = Math.min(forMs, maxHeldMs);
    heldUntilMs.set(origin, clock.nowMs() + retryAfterMs);
    return { kind: "refused", retryAfterMs };
  };
  return {
    channel: "webPush",
    rate: rateOf(deps.perSecond),
    heldMs(follower) {
      const leftMs = (heldUntilMs.get(originOf(follower)) ?? 0) - clock.nowMs();
      return leftMs > 0 ? leftMs : undefined;
    },
    async send(follower, plan) {
      const request = await requestOf(deps, follower, plan);
      if (request === undefined) return { kind: "rejected" };
      const outcome = await outbound.call(request);
      const nowMs = clock.nowMs();
      const askedMs = comeBackAtMs(outcome, nowMs);
      if (outcome.kind === "answered" && outcome.status < 300) return { kind: "sent" };
      if (outcome.kind === "answered") {
        const { status } = outcome;
        deps.onRefused(String(status));
        if (status === 404 || status === 410) return { kind: "gone", reason: "gone" };
        if (status === 429 || status >= 500) {
          return hold(originOf(follower), askedMs === undefined ? silentForMs : askedMs - nowMs);
        }
        return { kind: "rejected" };
      }
      deps.onRefused(outcome.kind === "failed" ? outcome.cause : "refused");
      // Shown under one tag, a message that arrived after all is not seen twice.
      return outcome.kind === "failed"
        ? hold(originOf(follower), silentForMs)
        : { kind: "rejected" };
    },
  };
}

async function requestOf(
  { keys, contact }: Deps,
  { creatorId, webPush }: Follower,
  plan: Parameters<Provider["send"]>[1],
) {
  if (!webPush) throw new Error("nobody can be told without a subscription");
  const { endpoint, p256dh, auth } = webPush;
  // Messages of one topic replace each other until a device fetches them. 32 characters at most.
  const topic = Buffer.from(sha256Hex(plan.articleId), "hex").subarray(0, 24).toString("base64url");
  const vapidDetails = { subject: contact, ...(await keys()) };
  try {
    const details = generateRequestDetails(
      { endpoint, keys: { p256dh, auth } },
      composePush(plan, creatorId, topic),
      { vapidDetails, TTL: ttlSeconds, topic, urgency: "normal", contentEncoding: "aes128gcm" },
    );
    const { "Content-Length": _, Authorization, ...headers } = details.headers;
    return {
      ...({ url: endpoint, method: "POST", timeoutMs, maxResponseBytes: 1_024 } as const),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
      ),
      authorization: String(Authorization),
      body: details.body as Uint8Array,
    };
  } catch {
    // Its keys are no keys: it says nothing that may be logged.
    return undefined;
  }
}

function originOf({ webPush }: Follower): string {
  return URL.parse(webPush?.endpoint ?? "")?.origin ?? "";
}
