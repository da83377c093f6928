/** Files in the bucket, by key. Strongly consistent: what was put is there for whoever reads next. */
export interface FileStore {
  /** Replaces what is there. */
  put(key: string, body: string | Uint8Array, contentType: string): Promise<void>;
  /** undefined when there is none. @param maxBytes a larger one is an error: it must not fill memory. */
  read(key: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** What is known of it without reading it. */
  describe(
    key: string,
  ): Promise<{ readonly bytes: number; readonly contentType: string } | undefined>;
}

export interface FileLink {
  readonly url: string;
  /** ms since the epoch. */
  readonly expiresAtMs: number;
}

/** Links that work for a while, for whoever holds them. */
export interface FileLinks {
  /** @param fileName what a browser saves it as. */
  linkTo(key: string, fileName: string): Promise<FileLink>;
}

/** Links by which whoever holds them puts one file in its place, while they work. */
export interface UploadLinks {
  /** Of just this type and length. */
  uploadTo(key: string, contentType: string, bytes: number): Promise<FileLink>;
}
