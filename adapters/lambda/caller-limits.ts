import { createHmac } from "node:crypto";
import { MetricUnit } from "@aws-lambda-powertools/metrics";
import { limits } from "../../core/contracts/limits.ts";
import type { Role } from "../../core/contracts/routes.ts";
import { callerLimitsPrefix } from "../../core/contracts/storage.ts";
import type { Rate } from "../../core/pacing/rate-limiter.ts";
import { type Limited, requestLimiter, type Verdict } from "../../core/pacing/request-limiter.ts";
import { tabMemory } from "../../core/pacing/tab-memory.ts";
import { type Caller, signatureOf } from "../../core/perimeter/caller.ts";
import { problems } from "../../core/perimeter/problem.ts";
import { rateLimiterFromEnvironment } from "../dynamodb/pacing-from-environment.ts";
import { sha256Hex, systemClock, systemPacing } from "../runtime.ts";
import { derivedKeys } from "../secrets/derived-keys.ts";
import { addressGroup } from "./address-group.ts";
import { setting } from "./environment.ts";
import { logger } from "./logger.ts";
import { metrics, publishBy } from "./metrics.ts";

/** By whom requests are counted; also what a 429 and its metric name. */
export type LimitedBy = "caller" | "ip";
export type Rates = Readonly<Record<Role | "ip", Rate>>;
export type Allowance = Verdict & { readonly by: LimitedBy; readonly rate: Rate };

/** One for each execution environment. */
export interface CallerLimits {
  /** Takes `cost` units of a caller's allowance, if there are so many. */
  ofCaller(caller: Caller, cost: number): Promise<Allowance>;
  /** The same for whoever calls from an address without saying who it is. */
  ofAddress(sourceIp: string, cost: number): Promise<Allowance>;
}

/** @param limitedBy `ip` needs a secret: what is kept of an address is a keyed hash. */
export function callerLimitsFromEnvironment(limitedBy: LimitedBy): CallerLimits {
  const rates = JSON.parse(setting("rateLimits")) as Rates;
  const keys = limitedBy === "ip" ? derivedKeys(setting("limitSecretArn")) : undefined;
  const limiter = requestLimiter({
    shared: rateLimiterFromEnvironment(),
    memory: tabMemory(limits.maxCallersRemembered),
    clock: systemClock,
    pacing: systemPacing,
    onUnavailable(error) {
      logger.error("limits are not enforced", error as Error);
      metrics.singleMetric().addMetric("LimitsUnavailable", MetricUnit.Count, 1);
    },
  });
  const admit = async (by: LimitedBy, who: Limited, cost: number) => ({
    ...(await limiter.admit(who, cost)),
    ...{ by, rate: who.rate },
  });
  return {
    ofCaller(caller, cost) {
      const key = signatureOf(caller);
      const sharedName = () => nameOf("caller", sha256Hex(key));
      return admit("caller", { key, rate: rates[roleOf(caller)], sharedName }, cost);
    },
    ofAddress(sourceIp, cost) {
      const key = addressGroup(sourceIp);
      const sharedName = async () => {
        if (keys === undefined) throw new Error("this function has no key to hash addresses with");
        const hmac = createHmac("sha256", await keys.key("addresses")).update(key);
        return nameOf("ip", hmac.digest("hex"));
      };
      return admit("ip", { key, rate: rates.ip, sharedName }, cost);
    },
  };
}

/** 128 bits: two callers never share a name. */
const nameOf = (by: LimitedBy, hash: string) => `${callerLimitsPrefix}${by}#${hash.slice(0, 32)}`;

/** Whose limit is highest comes first. */
const byRate: readonly Role[] = ["publisher", "admin", "creator"];

/** Whoever the gateway let in is not a limiter's to stop, though no scope of its token is known here. */
const roleOf = ({ roles }: Caller): Role => byRate.find((one) => roles.includes(one)) ?? "creator";

/** @throws Problem 429 which says whose limit it was, and when to come back. */
export function requireAllowance({ by, rate, retryAfterMs }: Allowance): void {
  if (retryAfterMs === undefined) return;
  publishBy(["by", by], "RequestsLimited", 1);
  const seconds = Math.ceil(retryAfterMs / 1_000);
  const whose = by === "caller" ? "You" : "All who call from your network address together";
  const detail =
    `${whose} may send ${rate.perSecond} requests a second, ${rate.burst} at once. Nothing was ` +
    `accepted: send this one again in ${seconds} s, and others no faster than that.`;
  throw problems.tooMany(detail, seconds, by);
}
