import { expect, test } from "vitest";
import type { CrashPlan, Role } from "./invocation.ts";
import { atRest, aWorld, earned, engagement, happening, views } from "./story.ts";
import type { World } from "./world.ts";

/** A request, its counting and its settlement, twice, with a duplicate between. */
async function tell(crashPlan?: CrashPlan): Promise<World> {
  const world = await aWorld({ crashPlan, settleWorkers: 2 });
  const first = { engagements: [engagement("r1"), engagement("r2", "read", "/b")] };
  const second = { engagements: [engagement("r1"), ...views(4)] };
  await happening(world, () => world.request("publisher", first));
  await happening(world, () => world.request("publisher", second));
  return world;
}

const roles: readonly Role[] = ["edge", "count-engagements", "settle-creator", "settle-earnings"];

test.each(roles)(
  "%s killed before and after each of its calls: counted once (Q7, S2)",
  async (role) => {
    const usual = await tell();
    expect(await atRest(usual)).toEqual([]);
    const calls = usual.around.ioCalls.get(role) ?? 0;
    expect(calls).toBeGreaterThan(1);
    let killed = 0;
    for (let ioCall = 1; ioCall <= calls; ioCall += 1) {
      for (const when of ["before", "after"] as const) {
        const world = await tell({ role, ioCall, when });
        expect(await atRest(world), `killed ${when} call ${ioCall}`).toEqual([]);
        // A client may give up on an edge that died; whatever the bus had taken is counted.
        if (role !== "edge") expect(earned(world)).toBe(earned(usual));
        const { crashInEdge, crashInCounting, crashInSettlement, crashInScheduler } =
          world.faults.coverage;
        killed += crashInEdge + crashInCounting + crashInSettlement + crashInScheduler;
      }
    }
    expect(killed).toBe(2 * calls);
  },
);
