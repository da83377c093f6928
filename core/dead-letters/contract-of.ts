import type { ZodType } from "zod";
import { type EventContract, events, jobRequested } from "../contracts/events.ts";
import type { JobType } from "../contracts/job-types.ts";
import type { Json } from "../jobs/job.ts";
import { isObject } from "./mask.ts";

/**
 * What describes the event that a body is, a job's by its type. Bodies may be anybody's, and so may
 * these names: `constructor` is none. @returns undefined when there is no such event.
 */
export function contractOf(envelope: Json | undefined): EventContract<ZodType> | undefined {
  if (!isObject(envelope)) return undefined;
  const { "detail-type": detailType, detail } = envelope;
  if (detailType !== "JobRequested") {
    const contracts: readonly EventContract<ZodType>[] = Object.values(events);
    return contracts.find((contract) => contract.detailType === detailType);
  }
  const type = isObject(detail) ? String(detail.type) : "";
  return Object.hasOwn(jobRequested, type) ? jobRequested[type as JobType] : undefined;
}
