/** Sorts by time; ends in a part of the request's id, so that two of one moment differ. */
export function timedIdOf(atMs: number, requestId: string): string {
  const time = new Date(atMs).toISOString().replace(/[-:.]/g, "");
  return `${time}-${requestId.slice(0, 12)}`;
}

const timedId = /^\d{8}T\d{9}Z-[0-9a-f]{12}$/;

/** Whether it looks like an id of `timedIdOf`: only those are looked up. */
export const isTimedId = (text: string): boolean => timedId.test(text);

/** Sorts before every id of that moment and after every id of an earlier one. */
export const startOfTimedIds = (atMs: number): string => timedIdOf(atMs, "");
