import ipaddr from "ipaddr.js";

const globalUnicast = ipaddr.IPv6.parse("2000::");
const globalUnicastBits = 3;

/** What an address is when it belongs to nobody's public server; undefined for one that does. */
export function objectionTo(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return "no address";
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (range !== "unicast") return inWords(range);
  // What the list of ranges does not know, such as ::127.0.0.1, is nobody's either.
  const isGlobal = parsed.kind() === "ipv4" || parsed.match(globalUnicast, globalUnicastBits);
  return isGlobal ? undefined : "reserved";
}

/** The machine itself, by one of its plain names. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.parse(address).range() === "loopback";
}

export const isAddress = (host: string): boolean => ipaddr.isValid(host);

/** `carrierGradeNat` to "carrier grade nat". */
const inWords = (range: string) => range.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
