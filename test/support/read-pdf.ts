import { inflateSync } from "node:zlib";

export interface ReadPdf {
  /** The text of each page, a line for each piece that was placed. */
  readonly pages: readonly string[];
  /** `/Title` and the like. */
  readonly info: Readonly<Record<string, string>>;
  readonly language: string | undefined;
}

/** As much of a PDF reader as our files need: without object streams, text by its `ToUnicode` maps. */
export function readPdf(bytes: Uint8Array): ReadPdf {
  const file = Buffer.from(bytes).toString("latin1");
  if (!file.startsWith("%PDF-1.")) throw new Error("not a PDF");
  const objects = new Map(
    [...file.matchAll(/(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj/gs)].map(([, id, body = ""]) => [
      id,
      body,
    ]),
  );
  const object = (id: string | undefined) => objects.get(id ?? "") ?? "";
  const stream = (id: string | undefined): string => {
    const [, head = "", data = ""] = /^(.*?)stream\n(.*)\nendstream$/s.exec(object(id)) ?? [];
    const raw = Buffer.from(data, "latin1");
    return (head.includes("/FlateDecode") ? inflateSync(raw) : raw).toString("latin1");
  };
  const reference = (body: string, name: string) =>
    new RegExp(`/${name} (\\d+) 0 R`).exec(body)?.[1];
  const glyphsOf = (font: string | undefined) =>
    unicodeOf(stream(reference(object(font), "ToUnicode")));

  const catalog = [...objects.values()].find((body) => body.includes("/Type /Catalog")) ?? "";
  const kids = /\/Kids \[(.*?)\]/s.exec(object(reference(catalog, "Pages")))?.[1] ?? "";
  const pages = [...kids.matchAll(/(\d+) 0 R/g)].map(([, id]) => {
    const page = object(id);
    const resources = object(reference(page, "Resources"));
    const fonts = new Map(
      [...resources.matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name, font]) => [
        name,
        glyphsOf(font),
      ]),
    );
    return textOf(stream(reference(page, "Contents")), fonts);
  });
  const infoBody = object(/\/Info (\d+) 0 R/.exec(file)?.[1]);
  const info = [...infoBody.matchAll(/\/(\w+) (\d+) 0 R/g)].map(([, name = "", id]) => [
    name,
    stringOf(object(id).slice(1, -1)),
  ]);
  return {
    pages,
    info: Object.fromEntries(info),
    language: /\/Lang \(([^)]*)\)/.exec(catalog)?.[1],
  };
}

type Glyphs = ReadonlyMap<string, string>;

function unicodeOf(map: string): Glyphs {
  const glyphs = new Map<string, string>();
  for (const [, from = "", list = ""] of map.matchAll(
    /<([0-9a-f]{4})> <[0-9a-f]{4}> \[(.*?)\]/gis,
  )) {
    [...list.matchAll(/<([0-9a-f ]*)>/gi)].forEach(([, codes = ""], index) => {
      const glyph = (Number.parseInt(from, 16) + index).toString(16).padStart(4, "0");
      const units = codes.replaceAll(" ", "").match(/.{4}/g) ?? [];
      glyphs.set(glyph, String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16))));
    });
  }
  return glyphs;
}

function textOf(content: string, fonts: ReadonlyMap<string | undefined, Glyphs>): string {
  let text = "";
  let glyphs: Glyphs | undefined;
  for (const [, font, shown] of content.matchAll(/\/(F\d+) [\d.]+ Tf|\[(.*?)\] TJ/gs)) {
    if (font !== undefined) glyphs = fonts.get(font);
    if (shown === undefined) continue;
    for (const [, codes = ""] of shown.matchAll(/<([0-9a-f]*)>/gi)) {
      for (const glyph of codes.match(/.{4}/g) ?? [])
        text += glyphs?.get(glyph.toLowerCase()) ?? "?";
    }
    text += "\n";
  }
  return text;
}

function stringOf(text: string): string {
  const bytes = Buffer.from(text.replace(/\\(.)/gs, "$1"), "latin1");
  const isUtf16 = bytes[0] === 0xfe && bytes[1] === 0xff;
  return isUtf16 ? bytes.subarray(2).swap16().toString("utf16le") : bytes.toString("latin1");
}
