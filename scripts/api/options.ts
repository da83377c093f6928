import { UsageError } from "../../local/cli/options.ts";

/** What a shell sets to nothing is not set. */
export function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** `--api`: without the slash at its end, so that paths can follow. @throws UsageError */
export function readApiUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.search || url.hash) {
    throw new UsageError(`--api ${text} is not an http or https URL`);
  }
  return url.href.replace(/\/+$/, "");
}
