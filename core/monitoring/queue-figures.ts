/** What was measured of a queue lately. What nothing was measured of is not there. */
export interface QueueFigures {
  /** How long the oldest message that is not done has been here. */
  readonly oldestSeconds?: number;
  /** In the last whole minute that is known. */
  readonly arrivedPerMinute?: number;
  readonly donePerMinute?: number;
  /** Of the oldest of these: they come a minute or two late. */
  readonly measuredAtMs: number;
}

export interface QueueMetrics {
  /**
   * By queue. One in which nothing has happened for hours may not be in it.
   * @returns undefined when nothing can be said at present; whoever asks goes on without it.
   */
  read(queues: readonly string[]): Promise<ReadonlyMap<string, QueueFigures> | undefined>;
}
