import type { Job, JobChange } from "./job.ts";

/** What a job went through since a version. `gap`: the record does not reach back that far. */
export function changesAfter(
  { changes }: Pick<Job, "changes">,
  version: number,
): { readonly changes: readonly JobChange[]; readonly gap: boolean } {
  const oldest = changes[0]?.version ?? version + 1;
  return {
    changes: changes.filter((change) => change.version > version),
    gap: oldest > version + 1,
  };
}
