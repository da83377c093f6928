import { expect, test } from "vitest";
import { atOnce } from "../../../core/values/at-once.ts";

test("at most so many side by side, answers in order, and one that fails stops no other", async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  const work = async (item: number) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (item === 3) throw new Error("three");
    done.push(item);
    return item * 2;
  };
  const items = Array.from({ length: 20 }, (_, at) => at);
  await expect(atOnce(items, 4, work)).rejects.toThrow("three");
  expect(done).toHaveLength(19);
  expect(most).toBe(4);
  expect(await atOnce([1, 2], 9, work)).toEqual([2, 4]);
  expect(await atOnce([], 9, work)).toEqual([]);
});
