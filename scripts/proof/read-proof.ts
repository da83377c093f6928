import { z } from "zod";
import { type Api, ApiFailure, describe } from "../api/api-client.ts";

const integer = z
  .string()
  .regex(/^-?\d+$/)
  .transform(BigInt);

const differenceShape = z.object({
  what: z.string(),
  creatorId: z.string().optional(),
  entryId: z.string().optional(),
  expected: integer,
  actual: integer,
});
export type Difference = z.infer<typeof differenceShape>;

const proofShape = z.object({
  ok: z.boolean(),
  asOf: z.string(),
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
  differences: z.array(differenceShape),
});
export type Proof = z.infer<typeof proofShape>;

const path = "/v1/admin/proof";

/**
 * Asks for the proof.
 * @returns also the answer as it came.
 * @throws ApiFailure when there is none, or none that this program understands.
 */
export async function readProof(api: Api): Promise<{ proof: Proof; raw: unknown }> {
  const answer = await api({ as: "admin", method: "GET", path });
  if (answer.status !== 200) {
    throw new ApiFailure(`GET ${path}: unexpected answer ${describe(answer)}`, answer.status);
  }
  const proof = proofShape.safeParse(answer.body);
  if (proof.success) return { proof: proof.data, raw: answer.body };
  const [issue] = proof.error.issues;
  throw new ApiFailure(
    `GET ${path}: the answer is no proof that this version knows ` +
      `(${issue?.path.join(".") || "body"}: ${issue?.message}); update the one that is older`,
    answer.status,
  );
}

/** The same, or undefined when the token may not ask for it. */
export async function readProofIfAllowed(api: Api): Promise<Proof | undefined> {
  try {
    return (await readProof(api)).proof;
  } catch (error) {
    if (error instanceof ApiFailure && (error.status === 401 || error.status === 403)) return;
    throw error;
  }
}
