import * as z from "zod";

const utf8 = new TextEncoder();

/**
 * Characters that nobody sees and that change what is seen: control characters, bidirectional controls,
 * whatever has no width, line and paragraph separators, tags, halves of surrogate pairs. Named `kept`
 * are those which a script or an emoji needs, where it needs them and once: a variation selector behind
 * what has variants, a joiner between emoji or behind a letter that joins, the word boundaries of scripts
 * without spaces, Mongolian's selectors, a soft hyphen within a word, the three flags that are tags.
 */
const hidden = new RegExp(
  `(?<kept>${[
    "\\p{RGI_Emoji_Tag_Sequence}",
    "(?<=[\\p{Emoji}\\p{S}\\p{P}\\p{Script=Han}\\p{Script=Myanmar}\\p{Script=Phags_Pa}])[\\ufe00-\\ufe0f]",
    "(?<=\\p{Script=Han})[\\u{e0100}-\\u{e01ef}]",
    "(?<=\\p{Extended_Pictographic}\\ufe0f?|\\p{Emoji_Modifier})\\u200d(?=\\p{Extended_Pictographic})",
    `(?<=${lettersOf(
      ...["Arabic", "Syriac", "Nko", "Adlam", "Mongolian", "Devanagari", "Bengali", "Gurmukhi"],
      ...["Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Tibetan"],
      ...["Khmer", "Myanmar", "Javanese", "Balinese"],
    )})[\\u200c\\u200d]`,
    `(?<=${lettersOf("Thai", "Lao", "Khmer", "Myanmar")})\\u200b(?=${lettersOf("Thai", "Lao", "Khmer", "Myanmar")})`,
    `(?<=${lettersOf("Mongolian")})[\\u180b-\\u180f]`,
    "(?<=\\p{L}|[\\p{M}--\\p{DI}])\\u00ad(?=\\p{L})",
    "(?<=[\\p{M}--\\p{DI}])\\u034f(?=\\p{M})",
  ].join(
    "|",
  )})|[\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\p{DI}\\p{Bidi_Control}\\ufff9-\\ufffb\\ufffe\\uffff]`,
  "gv",
);

/** Also the marks that they share with other scripts. */
function lettersOf(...scripts: string[]): string {
  const all = scripts.map((script) => `\\p{Script_Extensions=${script}}`).join("");
  return `[[${all}]&&[[\\p{L}\\p{M}]--\\p{DI}]]`;
}

const isKept = (match: RegExpExecArray): boolean => match.groups?.kept !== undefined;

/** The first hidden character of a text, as `U+202E`, and which character it is, counted from 1. */
export function hiddenCharacter(text: string): { name: string; position: number } | undefined {
  for (const match of text.matchAll(hidden)) {
    if (isKept(match)) continue;
    const codePoint = text.codePointAt(match.index) ?? 0;
    const name = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
    return { name, position: [...text.slice(0, match.index)].length + 1 };
  }
  return undefined;
}

/** A text with its hidden characters in sight, as JSON escapes them; but for those in `except`. */
export function escapeHidden(text: string, except = ""): string {
  return text.replaceAll(hidden, (character: string, kept: string | undefined) =>
    kept !== undefined || except.includes(character) ? character : escapeUnits(character),
  );
}

const escapeUnits = (text: string): string =>
  text
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");

/**
 * One line that people will read: a name, a title, a reason. What it shows is all that it holds, so
 * that none looks like another or turns round the text beside it.
 */
export function shownText(name: string, maxBytes: number) {
  return z
    .string()
    .min(1, `${name} must not be empty`)
    .superRefine((text, context) => {
      const found = hiddenCharacter(text);
      if (!found) return;
      context.addIssue({
        code: "custom",
        message:
          `must not contain ${found.name} (character ${found.position}), which is invisible and can ` +
          "change how the text is shown; leave it out",
      });
    })
    .refine(
      (text) => utf8.encode(text).length <= maxBytes,
      `${name} must be at most ${maxBytes} bytes`,
    );
}
