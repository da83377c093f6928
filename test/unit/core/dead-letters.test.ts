import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  discarded,
  failedAgain,
  isRedrivable,
  type Letter,
  newLetter,
  redriven,
  succeeded,
} from "../../../core/dead-letters/letter.ts";
import { maskBody, masked, unmask } from "../../../core/dead-letters/mask.ts";
import { outcomeOf } from "../../../core/dead-letters/redrive.ts";
import type { Json } from "../../../core/jobs/job.ts";

const cause = { causeId: "c", errorClass: "E", message: "m" };
const asked = { by: "admin:me", note: "why" };
const sources = { "count-engagements": ["EngagementsAccepted"], "tend-jobs": "schedule" } as const;
const letterOf = (source = "count-engagements"): Letter =>
  newLetter({
    ...{ letterId: "1", queue: `${source}-dead-letters`, source, kind: "failed", cause },
    ...{ attempts: 4, firstSentAtMs: 0, archivedAtMs: 0, bodies: [] },
  });

describe("a letter's life", () => {
  const sent = redriven(letterOf(), { ...asked, redriveId: "r1" }, 1) as Letter;

  test("Q11: what is on its way is not sent again, until an hour has gone without a word", () => {
    expect(redriven(sent, { ...asked, redriveId: "r1" }, 2)).toBeUndefined();
    expect(redriven(sent, { ...asked, redriveId: "r2" }, 2)).toBeUndefined();
    expect(redriven(sent, { ...asked, redriveId: "r2" }, 3_600_002)).toMatchObject({ redrives: 2 });
  });

  test("Q11: only the redrive that is waited for reopens it or closes it", () => {
    const again = { cause, attempts: 4 };
    expect(failedAgain(sent, { ...again, number: 0 }, 2)).toBeUndefined();
    const reopened = failedAgain(sent, { ...again, number: 1 }, 2) as Letter;
    expect(reopened).toMatchObject({ state: "open", attempts: 8 });
    expect(failedAgain(reopened, { ...again, number: 1 }, 3)).toBeUndefined();
    // A copy of it was worked on all the same.
    const done = succeeded(reopened, 1, 3) as Letter;
    expect(done.state).toBe("succeeded");
    expect(failedAgain(done, { ...again, number: 1 }, 4)).toBeUndefined();
    expect(discarded(done, asked, 4)).toBeUndefined();
    expect(succeeded(sent, 2, 3)).toBeUndefined();
  });

  test("what a schedule left, and engagements that may be forgotten, are not redrivable", () => {
    expect(isRedrivable(letterOf(), sources, 10, 10)).toBe(true);
    expect(isRedrivable(letterOf(), sources, 10, 11)).toBe(false);
    expect(isRedrivable(letterOf("tend-jobs"), sources, 10, 1)).toBe(false);
  });
});

test("a redrive of a letter that is discarded meanwhile is waited for no longer", () => {
  const redrive = {
    ...{ redriveId: "r1", letterIds: ["1"], ratePerSecond: 1, ...asked },
    ...{ requestedAtMs: 0, done: 1 },
  };
  const sent = redriven(letterOf(), redrive, 1) as Letter;
  expect(outcomeOf(redrive, sent, 0)).toBe("waiting");
  expect(outcomeOf(redrive, discarded(sent, asked, 2), 0)).toBe("discarded");
  expect(outcomeOf(redrive, discarded(letterOf(), asked, 2), 0)).toBe("skipped");
});

describe("masking", () => {
  test("shows what a list of fields allows, and nothing of a body that is no event", () => {
    const detail = {
      schemaVersion: 2,
      engagements: [{ articleId: "a", readerId: "r", more: [1] }],
    };
    const event = {
      source: "s",
      "detail-type": "EngagementsAccepted",
      secret: { id: "x" },
      detail,
    };
    expect(maskBody(JSON.stringify(event))).toMatchObject({
      ...{ source: "s", secret: { id: masked } },
      detail: {
        schemaVersion: 2,
        engagements: [{ articleId: "a", readerId: masked, more: [masked] }],
      },
    });
    expect(maskBody("ada@example.org")).toBe(`${masked} (15 characters, not an event)`);
  });

  test.each(["constructor", "toString", "__proto__", "Unheard"])(
    "I4: an event called %s shows nothing but its envelope",
    (type) => {
      const event = { "detail-type": type, detail: { schemaVersion: 1, name: "ada" } };
      expect(maskBody(JSON.stringify(event))).toEqual({
        ...{ "detail-type": type, detail: { schemaVersion: 1, name: masked } },
      });
    },
  );

  test("a body that is sent back as it was shown is what it was", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (detail) => {
        const body = JSON.stringify({ "detail-type": "EngagementsAccepted", detail });
        // As it is kept: text, in which -0 is 0.
        const original = JSON.parse(body) as Json;
        const shown = maskBody(body);
        expect(unmask(shown, original, shown)).toEqual(original);
      }),
    );
  });

  const eventOf = (engagements: readonly Json[]): Json => ({
    ...{ "detail-type": "EngagementsAccepted", detail: { engagements } },
  });
  const edit = (body: Json, change: (shown: readonly Json[]) => readonly Json[]) => {
    const shown = maskBody(JSON.stringify(body)) as { detail: { engagements: readonly Json[] } };
    return unmask(eventOf(change(shown.detail.engagements)), body, shown);
  };

  test("what is left of a batch keeps its own readers, whatever was left out or moved", () => {
    const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 8 });
    const left = ids.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all)));
    fc.assert(
      fc.property(left, ([articleIds, kept]) => {
        const of = (articleId: string) => ({ articleId, readerId: `reader of ${articleId}` });
        const change = (shown: readonly Json[]) =>
          kept.map((articleId) => shown[articleIds.indexOf(articleId)] as Json);
        expect(edit(eventOf(articleIds.map(of)), change)).toEqual(eventOf(kept.map(of)));
      }),
    );
  });

  test("elements that look alike are told apart only while all of them are left", () => {
    const [a, b] = [
      { articleId: "x", readerId: "a" },
      { articleId: "x", readerId: "b" },
    ] as const;
    const other = { articleId: "y", readerId: "c" };
    const batch = eventOf([a, other, b]);
    expect(edit(batch, (shown) => shown.toSpliced(1, 1))).toEqual(eventOf([a, b]));
    expect(() => edit(batch, (shown) => shown.slice(1))).toThrow("looks like another");
    expect(() => edit(batch, () => [{ ...b, readerId: masked, kind: "view" }])).toThrow(
      "is none of those that were shown",
    );
    expect(edit(batch, () => [b])).toEqual(eventOf([b]));
    // Changed where it stands; its look-alike is as it was.
    const changed = { articleId: "z", readerId: masked };
    expect(edit(batch, (shown) => shown.with(0, changed))).toEqual(
      eventOf([{ articleId: "z", readerId: "a" }, other, b]),
    );
    const more = (shown: readonly Json[]) => shown.with(0, { ...other, kind: masked });
    expect(() => edit(batch, more)).toThrow("stands for no value");
  });
});
