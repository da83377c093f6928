import { UsageError } from "../../local/cli/options.ts";
import type { OptionSpecs } from "../program/command.ts";

/** Which letters are meant: by their ids, or all open ones of a cause, a queue or both. */
export type Selection =
  | { readonly letterIds: readonly string[] }
  | { readonly cause?: string; readonly queue?: string };

export const selectionOptions = {
  cause: { type: "string", value: "CAUSE", text: "all open letters of one cause" },
  queue: {
    type: "string",
    value: "NAME",
    text: "all open letters of one dead letter queue (with --cause: those that are of both)",
  },
} as const satisfies OptionSpecs;

export const noteOption = {
  note: { type: "string", value: "TEXT", text: "why; it is kept with the letters, and audited" },
} as const satisfies OptionSpecs;

/** @throws UsageError unless letters are named in exactly one of the two ways. */
export function readSelection(
  letterIds: readonly string[],
  values: { readonly cause?: string | undefined; readonly queue?: string | undefined },
  everything = false,
): Selection {
  const { cause, queue } = values;
  const byProperty = cause !== undefined || queue !== undefined || everything;
  if (letterIds.length > 0 && byProperty) {
    throw new UsageError("name either letters or what they have in common, not both");
  }
  if (letterIds.length > 0) return { letterIds: [...new Set(letterIds)] };
  if (byProperty) {
    return { ...(cause !== undefined && { cause }), ...(queue !== undefined && { queue }) };
  }
  throw new UsageError("name letters by their ids, or by --cause, --queue or both");
}

/** @throws UsageError */
export function readNote(note: string | undefined): string {
  if (note !== undefined && note.trim() !== "") return note;
  throw new UsageError('say why: --note "…"');
}
