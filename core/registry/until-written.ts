import { Problem } from "../perimeter/problem.ts";

const writeAttempts = 20;

/**
 * Reads, decides and writes again until no other writer came in between. Of any writers at once one
 * gets through each time, so only more of them than there are attempts could exhaust it.
 * @param what names the thing in the problem, as in `article "a"`.
 * @throws Problem 409 when other writers keep winning.
 */
export async function untilWritten<Written extends object>(
  what: string,
  attempt: () => Promise<Written | "raced">,
): Promise<Written> {
  for (let count = 0; count < writeAttempts; count += 1) {
    const written = await attempt();
    if (written !== "raced") return written;
  }
  throw new Problem(
    409,
    "contended",
    "Conflict",
    `Others kept changing ${what} at the same time; send it again in a moment.`,
    { retryAfterSeconds: 1 },
  );
}

export function tooManyVersions(what: string, most: number): Problem {
  return new Problem(
    409,
    "too-many-versions",
    "Too many versions",
    `${what} has ${most} versions, which is the limit.`,
  );
}
