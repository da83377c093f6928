/** `1,234,567`: the same on every machine, whatever its locale. */
export function grouped(value: number | bigint): string {
  return value.toLocaleString("en-US");
}

/** Lines of a name and its value, the values one below the other. */
export function pairs(lines: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(0, ...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
