import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sniffFormat } from "../../../core/images/image-format.ts";
import { planVariants } from "../../../core/images/plan-variants.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));

describe("what a file is", () => {
  test.each([
    ["jpeg", "\xff\xd8\xff\xe0\0\x10JFIF"],
    ["png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    ["webp", "RIFF\0\0\0\0WEBPVP8 "],
    ["gif", "GIF89a"],
    ["avif", "\0\0\0\x1cftypavif\0\0\0\0mif1avif"],
    // The first brand is a general one; what it is stands among the others.
    ["avif", "\0\0\0\x1cftypmif1\0\0\0\0mif1avif"],
    ["heic", "\0\0\0\x18ftypheic\0\0\0\0mif1heic"],
    ["unknown", "\0\0\0\x18ftypmp42\0\0\0\0isomavc1"],
    ["tiff", "II*\0"],
    ["pdf", "\n%PDF-1.7"],
    ["svg", `\xef\xbb\xbf<?xml version="1.0"?><!-- <html> --><svg width="1">`],
    ["html", "<!DOCTYPE html><title>"],
    ["unknown", "Call me Ishmael."],
    ["unknown", ""],
  ])("%s", (format, start) => {
    expect(sniffFormat(bytes(start))).toBe(format);
  });

  test("is always answered, whatever the bytes", () => {
    fc.assert(fc.property(fc.uint8Array(), (any) => typeof sniffFormat(any) === "string"));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (rest) =>
        ["avif", "heic", "unknown"].includes(
          sniffFormat(Buffer.concat([bytes("\0\0\0\x18ftyp"), rest])),
        ),
      ),
    );
  });
});

test("sizes are never larger than the picture, and the largest is as large as it may be", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16_000 }), (width) => {
      const widths = planVariants(width).map((variant) => variant.width);
      return (
        Math.max(...widths) === Math.min(width, 1_920) && widths.length === new Set(widths).size * 3
      );
    }),
  );
  expect(planVariants(1_920).map(({ name }) => name)).toHaveLength(12);
  expect(planVariants(100).map(({ name }) => name)).toEqual(["100.avif", "100.webp", "100.jpeg"]);
});
