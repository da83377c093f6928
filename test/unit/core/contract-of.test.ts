import { describe, expect, test } from "vitest";
import { engagementsAccepted, jobRequested } from "../../../core/contracts/events.ts";
import { contractOf } from "../../../core/dead-letters/contract-of.ts";

const event = (detailType: string, detail = {}) => ({ "detail-type": detailType, detail });

describe("the contract of a dead letter's event", () => {
  test("goes by its type, and of a job by the job's", () => {
    expect(contractOf(event("EngagementsAccepted"))).toBe(engagementsAccepted);
    const job = event("JobRequested", { type: "draft.save" });
    expect(contractOf(job)).toBe(jobRequested["draft.save"]);
  });

  test.each([
    undefined,
    "text",
    event("constructor"),
    event("JobRequested"),
    event("JobRequested", { type: "constructor" }),
    event("JobRequested", { type: "toString" }),
  ])("%# there is none for %j", (envelope) => {
    expect(contractOf(envelope)).toBeUndefined();
  });
});
