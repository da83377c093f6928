import sharp, { type Sharp } from "sharp";
import { limits } from "../../core/contracts/limits.ts";
import { largestWidth, type VariantFormat } from "../../core/images/plan-variants.ts";
import { DamagedImage, type ImageReader } from "../../core/images/process-image.ts";

// An environment works on one picture at a time, and keeps nothing of the one before.
sharp.cache(false);
sharp.concurrency(1);
// What is not on this list cannot be read at all, whatever it passes itself off as.
sharp.block({ operation: ["VipsForeignLoad"] });
sharp.unblock({
  operation: ["Jpeg", "Png", "Webp", "Heif", "Nsgif"].map((one) => `VipsForeignLoad${one}Buffer`),
});

const reading = {
  limitInputPixels: limits.maxImagePixels,
  // Files with an odd remark in them are common; those that end too early are not what was meant.
  failOn: "error",
  sequentialRead: true,
} as const;

/** A little better than half the bytes of a JPEG at the same quality, and quick to make. */
const encoders: Record<VariantFormat, (image: Sharp) => Sharp> = {
  // An effort of 4 takes ten times as long, for the same number of bytes.
  avif: (image) => image.avif({ quality: 55, effort: 3 }),
  webp: (image) => image.webp({ quality: 78, effort: 4 }),
  // It knows no transparency.
  jpeg: (image) => image.flatten({ background: "#ffffff" }).jpeg({ quality: 80, mozjpeg: true }),
};

/** libvips by way of sharp. Of a picture nothing is left but pixels: neither place nor camera. */
export const sharpImages: ImageReader = {
  async inspect(bytes) {
    // It only reads the header, and how large it says that it is must not be an error of its own.
    const { autoOrient, pages = 1 } = await orDamaged(() =>
      sharp(bytes, { ...reading, limitInputPixels: false }).metadata(),
    );
    return { width: autoOrient.width, height: autoOrient.height, frames: pages };
  },
  async open(bytes) {
    // Unpacked once, and no larger than the largest that is made of it.
    const { data, info } = await orDamaged(() =>
      sharp(bytes, reading)
        .autoOrient()
        .resize({ width: largestWidth, withoutEnlargement: true })
        .toColourspace("srgb")
        .raw()
        .toBuffer({ resolveWithObject: true }),
    );
    const { width, height, channels } = info;
    return {
      width,
      height,
      async render(variant) {
        const pixels = sharp(data, { raw: { width, height, channels } });
        return await encoders[variant.format](pixels.resize({ width: variant.width })).toBuffer();
      },
    };
  },
};

async function orDamaged<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    const [reason = ""] = (error as Error).message.split("\n");
    throw new DamagedImage(reason.slice(0, 200), { cause: error });
  }
}
