/** Widths in pixels, for pages from a phone's to a large screen's. */
export const variantWidths = [320, 640, 1_280, 1_920] as const;
/** Newest first, as a page's `<picture>` lists them. */
export const variantFormats = ["avif", "webp", "jpeg"] as const;
export type VariantFormat = (typeof variantFormats)[number];

export interface Variant {
  /** `1280.avif` */
  readonly name: string;
  readonly width: number;
  readonly format: VariantFormat;
}

export const largestWidth = Math.max(...variantWidths);

/** A picture is never enlarged: its largest size is its own, where that is below ours. */
export function planVariants(sourceWidth: number): Variant[] {
  const widths = variantWidths.filter((width) => width < sourceWidth);
  const all = [...widths, Math.min(sourceWidth, largestWidth)];
  return [...new Set(all)].flatMap((width) =>
    variantFormats.map((format) => ({ name: `${width}.${format}`, width, format })),
  );
}
