import { expect, test } from "vitest";
import { addressGroup } from "../../../adapters/lambda/address-group.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  // The same address, however it is written.
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::ffff:c000:207", "192.0.2.7"],
  ["0:0:0:0:0:FFFF:192.0.2.7", "192.0.2.7"],
  ["2001:db8:12:3400:1::9", "2001:db8:12:3400::/64"],
  ["2001:0DB8:0012:3400:ffff:ffff:ffff:ffff", "2001:db8:12:3400::/64"],
  ["2001:db8:12:3401::", "2001:db8:12:3401::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["", "unknown"],
  ["nonsense", "unknown"],
])("%s belongs to %s", (address, group) => {
  expect(addressGroup(address)).toBe(group);
});
