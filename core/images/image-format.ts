/** What a file is, by its first bytes; what it is called and what was said of it do not matter. */
export type SniffedFormat =
  | "jpeg"
  | "png"
  | "webp"
  | "avif"
  | "gif"
  | "heic"
  | "tiff"
  | "svg"
  | "pdf"
  | "html"
  | "unknown";

export const readableFormats = ["jpeg", "png", "webp", "avif", "gif"] as const;
export type ReadableFormat = (typeof readableFormats)[number];

export function isReadable(format: SniffedFormat): format is ReadableFormat {
  return (readableFormats as readonly SniffedFormat[]).includes(format);
}

const latin1 = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));

export function sniffFormat(bytes: Uint8Array): SniffedFormat {
  const start = latin1(bytes, 0, 12);
  if (start.startsWith("\xff\xd8\xff")) return "jpeg";
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (start.startsWith("RIFF") && start.endsWith("WEBP")) return "webp";
  if (/^GIF8[79]a/.test(start)) return "gif";
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return "tiff";
  if (start.slice(4, 8) === "ftyp") return brandOf(bytes);
  return textFormatOf(latin1(bytes, 0, 1_024));
}

/** HEIC and AVIF share a container; its brands tell them apart. */
function brandOf(bytes: Uint8Array): SniffedFormat {
  const size = Math.min(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), 256);
  const brands = latin1(bytes, 8, size);
  if (/avi[fs]/.test(brands)) return "avif";
  return /hei[cfmsx]|mif1|msf1/.test(brands) ? "heic" : "unknown";
}

function textFormatOf(text: string): SniffedFormat {
  if (text.includes("%PDF-")) return "pdf";
  if (/<svg[\s>]/i.test(text)) return "svg";
  return /<(?:!doctype html|html|head|body|script)[\s>]/i.test(text) ? "html" : "unknown";
}
