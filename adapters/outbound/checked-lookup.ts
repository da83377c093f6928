import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { isLoopbackHost } from "./check-url.ts";
import { isLoopback, objectionTo } from "./judge-address.ts";

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

export const systemResolve: Resolve = (host) => lookup(host, { all: true });

/**
 * A look-up for one connection: what it hands over was checked, and nothing else is dialled. One bad
 * address among good ones is a refusal: which of them is dialled would be chance.
 */
export function checkedLookup(resolve: Resolve): LookupFunction {
  return (host, options, callback) => {
    addressesOf(host, resolve).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all) callback(null, [...addresses]);
        else callback(null, first?.address ?? "", first?.family);
      },
      (error: Error) => callback(error, "", 0),
    );
  };
}

async function addressesOf(host: string, resolve: Resolve): Promise<readonly LookupAddress[]> {
  const addresses = await resolve(host);
  if (addresses.length === 0) throw new AddressRefused(`${host} has no address`);
  const expectsLoopback = isLoopbackHost(host);
  for (const { address } of addresses) {
    if (expectsLoopback && isLoopback(address)) continue;
    const objection = expectsLoopback ? "not this machine" : objectionTo(address);
    if (objection) throw new AddressRefused(`${host} leads to an address that is ${objection}`);
  }
  return addresses;
}
