import * as z from "zod";

/** Parts of bodies and queries. */

export const instant = z.iso
  .datetime({
    offset: true,
    error: "must be an ISO 8601 time with a zone, like 2026-01-31T09:30:00Z",
  })
  .transform((text) => Date.parse(text))
  .refine(Number.isFinite, "must be a time that exists");

/** A UTC calendar day. */
export const day = z.iso.date({ error: "must be a day that exists, like 2026-01-31" });

/** Days, both included. */
export const range = { from: day, to: day };

/** A UTC calendar month. */
export const monthSchema = z
  .string()
  .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, "must be a month, like 2026-01")
  .brand("UtcMonth");
export type UtcMonth = z.infer<typeof monthSchema>;
