/** What a worker said about a batch, as Lambda's poller reads it. */
export type BatchVerdict =
  | { readonly kind: "failed-items"; readonly ids: ReadonlySet<string> }
  | { readonly kind: "all-failed"; readonly reason: string };

const allSucceeded: BatchVerdict = { kind: "failed-items", ids: new Set() };

/**
 * Reads a response under `ReportBatchItemFailures`. Nothing, or no failures, is success; every
 * other answer that is not a list of ids of this batch fails the whole batch, never in silence.
 */
export function readBatchResponse(payload: string, batchIds: ReadonlySet<string>): BatchVerdict {
  let response: unknown;
  try {
    response = JSON.parse(payload);
  } catch {
    return failed("the response is not JSON");
  }
  if (response === null) return allSucceeded;
  if (typeof response !== "object" || Array.isArray(response)) {
    return failed("the response is not an object");
  }
  if (Object.keys(response).length === 0) return allSucceeded;
  if (!("batchItemFailures" in response)) {
    return failed("the response has no batchItemFailures");
  }
  const failures = response.batchItemFailures;
  if (failures === null) return allSucceeded;
  if (!Array.isArray(failures)) return failed("batchItemFailures is not a list");
  const ids = new Set<string>();
  for (const failure of failures) {
    const id: unknown = failure?.itemIdentifier;
    if (typeof id !== "string" || id === "") return failed("an item has no itemIdentifier");
    if (!batchIds.has(id)) return failed(`${id} is no message of this batch`);
    ids.add(id);
  }
  return { kind: "failed-items", ids };
}

function failed(reason: string): BatchVerdict {
  return { kind: "all-failed", reason };
}
