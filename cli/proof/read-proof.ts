import { z } from "zod";
import { type Api, ApiFailure } from "../api/api-client.ts";
import { type Answered, ask, integer } from "../api/ask.ts";

const differenceShape = z.object({
  what: z.string(),
  creatorId: z.string().optional(),
  entryId: z.string().optional(),
  unit: z.string().optional(),
  expected: integer,
  actual: integer,
});
export type Difference = z.infer<typeof differenceShape>;

const proofShape = z.object({
  ok: z.boolean(),
  asOf: z.string(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default("USD"),
  quiet: z.boolean(),
  counted: z.object({ engagements: integer, micros: integer, voidedMicros: integer }),
  rejected: z.object({ engagements: integer }),
  counters: z.object({ pendingMicros: integer, pendingHeldMicros: integer }),
  ledger: z.object({
    entries: z.number(),
    payableMicros: integer,
    heldMicros: integer,
    inPayoutMicros: integer,
    paidOutMicros: integer,
    adjustedMicros: integer,
    feeMicros: integer,
  }),
  creators: z.number(),
  canary: z
    .object({ engagements: integer, micros: integer, entries: z.number() })
    .default({ engagements: 0n, micros: 0n, entries: 0 }),
  differences: z.array(differenceShape),
});
export type Proof = z.infer<typeof proofShape>;

/** Asks for the proof. @throws ApiFailure */
export const readProof = (api: Api): Promise<Answered<Proof>> =>
  ask(api, "/v1/admin/proof", proofShape);

/** What readers did, without the canary's views: the system reports those of itself. */
export const readersEngagements = ({ counted, canary }: Proof): bigint =>
  counted.engagements - canary.engagements;

/** The same, or undefined when the token may not ask for it. */
export async function readProofIfAllowed(api: Api): Promise<Proof | undefined> {
  try {
    return (await readProof(api)).value;
  } catch (error) {
    if (error instanceof ApiFailure && (error.status === 401 || error.status === 403)) return;
    throw error;
  }
}
