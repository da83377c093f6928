import * as z from "zod";

/** What uploads are for, and what they may be. What the bytes are is judged when they are there. */
export const uploadPurposes = ["cover"] as const;
export const imageTypes = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/avif",
  "image/gif",
] as const;

export const requestUploadSchema = z.strictObject({
  contentType: z.enum(imageTypes, { error: `must be one of ${imageTypes.join(", ")}` }),
  /** How many bytes will come: the URL takes exactly so many. */
  bytes: z.int().min(1, "must be at least 1"),
  purpose: z.enum(uploadPurposes, { error: `must be one of ${uploadPurposes.join(", ")}` }),
});
