/**
 * Text as in a URL, with `~` for `%`. So it may stand in a path or a query as it is, and one that is
 * decoded on its way does not become another.
 */
export function urlSafe(text: string): string {
  return encodeURIComponent(text).replaceAll("~", "%7E").replaceAll("%", "~");
}

/** The text that `urlSafe` wrote so; undefined when it wrote nothing like it. */
export function fromUrlSafe(safe: string): string | undefined {
  if (!safe.isWellFormed()) return undefined;
  try {
    const text = decodeURIComponent(safe.replaceAll("%", "%25").replaceAll("~", "%"));
    // Nothing is written in two ways.
    return urlSafe(text) === safe ? text : undefined;
  } catch {
    return undefined;
  }
}
