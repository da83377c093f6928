import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printable } from "../../../cli/text.ts";
import { escapeHidden, hiddenCharacter, shownText } from "../../../core/contracts/shown-text.ts";

describe("a hidden character is refused by name and place:", () => {
  test.each([
    ["a bidirectional override", "Ada\u202eecnalev\u202c", "U+202E", 4],
    ["an isolate", "\u2066Ada\u2069", "U+2066", 1],
    ["a direction mark", "Ada\u200f", "U+200F", 4],
    ["an Arabic letter mark", "A\u061c", "U+061C", 2],
    ["a space without width", "Ada\u200bLovelace", "U+200B", 4],
    ["a joiner in a Latin word", "Ada\u200dL", "U+200D", 4],
    ["a non-joiner at the start", "\u200cم", "U+200C", 1],
    ["two non-joiners in a row", "می\u200c\u200cخ", "U+200C", 4],
    ["a joiner behind an emoji that joins nothing", "👩\u200d!", "U+200D", 2],
    ["a byte order mark", "\ufeffAda", "U+FEFF", 1],
    ["a word joiner", "a\u2060b", "U+2060", 2],
    ["a line separator", "one\u2028two", "U+2028", 4],
    ["a paragraph separator", "one\u2029two", "U+2029", 4],
    ["a line break", "one\ntwo", "U+000A", 4],
    ["an escape", "\u001b[31mred", "U+001B", 1],
    ["a tag", "A\u{e0041}", "U+E0041", 2],
    ["tags behind a flag that none has", "🏴\u{e0075}\u{e0073}\u{e007f}", "U+E0075", 2],
    ["a Hangul filler", "\u3164", "U+3164", 1],
    ["an annotation", "a\ufff9b", "U+FFF9", 2],
    ["a variation selector behind a letter", "a\ufe01", "U+FE01", 2],
    ["two variation selectors", "☀\ufe0f\ufe0e", "U+FE0E", 3],
    ["half a surrogate pair", "👩\ud83d", "U+D83D", 2],
  ])("%s", (_, text, name, position) => {
    expect(hiddenCharacter(text)).toEqual({ name, position });
    const [issue] = shownText("title", 1_000).safeParse(text).error?.issues ?? [];
    expect(issue?.message).toContain(`must not contain ${name} (character ${position})`);
    expect(hiddenCharacter(escapeHidden(text))).toBeUndefined();
  });
});

test.each([
  ["English", "“Penny & Line” – naïve, 100 %"],
  ["German, which may break words", "Donau\u00addampf\u00adschiff"],
  ["Persian", "می\u200cخواهم"],
  ["Hindi", "क्\u200dष क्\u200cष"],
  ["Sinhala", "ශ්\u200dරී ලංකා"],
  ["Malayalam", "അവന്\u200d"],
  ["Hebrew, with points", "שָׁלוֹם"],
  ["Khmer, which marks words", "ភាសា\u200bខ្មែរ"],
  ["Thai, which marks words", "ภาษา\u200bไทย"],
  ["Mongolian", "ᠮᠣᠩᠭᠣᠯ\u180e\u1820"],
  ["Japanese, with a variant", "葛\u{e0100}城"],
  ["emoji of several", "👩\u200d👩\u200d👧 🧑🏽\u200d🚀 🏳\ufe0f\u200d🌈"],
  ["emoji that are not fully qualified", "❤\u200d🔥 ☀\ufe0e"],
  ["a keycap", "1\ufe0f\u20e3"],
  ["flags", "🇫🇷 🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"],
])("%s is taken and shown as it is", (_, text) => {
  expect(hiddenCharacter(text)).toBeUndefined();
  expect(shownText("title", 1_000).safeParse(text).success).toBe(true);
  expect(escapeHidden(text)).toBe(text);
});

const bad = fc.constantFrom(
  ...["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"],
  ...["\u200e", "\u200f", "\u061c", "\ufeff", "\u2028", "\u2029", "\u0000", "\u007f", "\u0085"],
  ...["\u{e0001}", "\u{e0020}", "\u{e007f}", "\u2060", "\u3164", "\u00a0\u200b"],
);
const anyText = fc.string({ unit: "binary" });

test("wherever it stands in whatever text, it is found", () => {
  fc.assert(
    fc.property(anyText, bad, anyText, (before, hidden, after) => {
      fc.pre(hiddenCharacter(before) === undefined);
      // Of the three flags that are tags the last tag ends one.
      fc.pre(!/\u{1f3f4}[\u{e0000}-\u{e007f}]*$/u.test(before));
      const found = hiddenCharacter(before + hidden + after);
      expect(found?.position).toBeGreaterThanOrEqual([...before].length);
    }),
  );
});

test("an escaped text hides nothing, reads back, and is escaped once", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyText, bad, fc.string({ unit: "grapheme" }))), (parts) => {
      const text = parts.join("").replaceAll(/["\\]/g, "");
      const escaped = escapeHidden(text);
      expect(hiddenCharacter(escaped)).toBeUndefined();
      expect(JSON.parse(`"${escaped}"`)).toBe(text);
      expect(escapeHidden(escaped)).toBe(escaped);
    }),
    { numRuns: 2_000 },
  );
});

test("a terminal is shown what is hidden; lines and tabs stay", () => {
  expect(printable("a\u202eb\n\tc\u200bd\u{e0041}")).toBe("a\\u202eb\n\tc\\u200bd\\udb40\\udc41");
});
