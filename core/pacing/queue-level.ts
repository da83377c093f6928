import {
  heightOf,
  type Level,
  levels,
  type RaisedLevel,
  raisedLevels,
} from "../contracts/queued-work.ts";

/** What was seen of a queue. */
export interface Look {
  readonly waiting: number;
  /** Undefined: nobody could tell. */
  readonly oldestSeconds?: number | undefined;
}

/** A queue has reached a level when so much waits in it, or for so long. */
export interface Limit {
  readonly waiting: number;
  readonly oldestSeconds: number;
}

export interface LevelLimits extends Readonly<Record<RaisedLevel, Limit>> {
  /**
   * A queue in which fewer messages wait is not full, however old they are: such messages fail, and
   * come again and again. One of them must not have a whole kind of work refused.
   */
  readonly leastWaiting: number;
}

/** A level is left when depth and age are below this share of its limit, so that it does not flutter. */
const leftBelow = 0.5;

/** The higher of the level that is reached, and the one before as far as it is not left. */
export function nextLevel(before: Level, look: Look, limits: LevelLimits): Level {
  const reached = heightOf(levelFrom(look, limits, 1));
  const notLeft = heightOf(levelFrom(look, limits, leftBelow));
  return levels[Math.max(reached, Math.min(heightOf(before), notLeft))] ?? "none";
}

function levelFrom(
  { waiting, oldestSeconds = 0 }: Look,
  limits: LevelLimits,
  share: number,
): Level {
  const ageCounts = waiting >= limits.leastWaiting * share;
  const reaches = (limit: Limit) =>
    waiting >= limit.waiting * share || (ageCounts && oldestSeconds >= limit.oldestSeconds * share);
  return raisedLevels.findLast((level) => reaches(limits[level])) ?? "none";
}

/** Whether enough messages wait for their age to change anything. */
export function ageMatters(waiting: number, { leastWaiting }: LevelLimits): boolean {
  return waiting >= leastWaiting * leftBelow;
}
