import ipaddr from "ipaddr.js";

/** Groups of an IPv6 address that name a network of one customer: its /64. */
const networkGroups = 4;

/**
 * Whom an address stands for: a customer who has IPv6 may use any address of a /64, and an IPv4
 * address written as IPv6 is still that.
 */
export function addressGroup(address: string): string {
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const network = parsed.parts.slice(0, networkGroups).map((part) => part.toString(16));
  return `${network.join(":")}::/64`;
}
