import regular from "dejavu-fonts-ttf/ttf/DejaVuSansCondensed.ttf";
import bold from "dejavu-fonts-ttf/ttf/DejaVuSansCondensed-Bold.ttf";
import type { Fonts } from "./sheet.ts";

/** Latin, Greek, Cyrillic and more; small enough to be part of the bundle. */
export const statementFonts: Fonts = { regular, bold };
