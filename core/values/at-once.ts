/**
 * Works on all of them, at most `limit` side by side; answers in their order.
 * @throws the first error, once all of them have ended.
 */
export async function atOnce<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const errors: unknown[] = [];
  const left = items.entries();
  // All lanes take from the one iterator, so that each item is taken once.
  const lane = async () => {
    for (const [at, item] of left) {
      try {
        results[at] = await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (errors.length > 0) throw errors[0];
  return results;
}
