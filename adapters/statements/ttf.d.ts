/** Bundled whole: `loader` in lib/bundling.ts. */
declare module "*.ttf" {
  const bytes: Uint8Array;
  export default bytes;
}
