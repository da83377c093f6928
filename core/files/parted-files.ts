/** A file on its way: it is written part by part, and is there once it is complete. */
export interface PartedFile {
  readonly key: string;
  readonly uploadId: string;
}

/** Files that are too large for memory. What was put outlives whoever put it, for a day. */
export interface PartedFiles {
  begin(key: string, contentType: string): Promise<PartedFile>;
  /**
   * Replaces the part of that number (1, 2, 3 …); every part but the last has at least
   * `limits.minFilePartBytes`.
   * @returns its tag; undefined when the file was completed or given up meanwhile.
   */
  put(file: PartedFile, number: number, bytes: Uint8Array): Promise<string | undefined>;
  /** @param tags of all parts, in order. `gone`: it was completed, given up, or has other parts. */
  complete(file: PartedFile, tags: readonly string[]): Promise<"completed" | "gone">;
}
