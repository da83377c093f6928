import { nameIn } from "./platform.ts";
import type { Settings } from "./settings.ts";

/** `A Name <an@address>` to `an@address`. */
export function addressOf(from: string): string {
  return /<(.*)>$/.exec(from)?.[1] ?? from;
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

/** What SES tells of e-mails, it tells of those that are sent with this. */
export const mailSetName = (settings: Settings): string => nameIn(settings, "mail");
