import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { headersProblem } from "../../../adapters/outbound/check-headers.ts";
import { checkUrl } from "../../../adapters/outbound/check-url.ts";
import { limits } from "../../../core/contracts/limits.ts";

const deployed = { allowLoopback: false };
const oneMachine = { allowLoopback: true };
const refused = (text: string, rules = deployed) => {
  const verdict = checkUrl(text, rules);
  return verdict.ok ? expect.unreachable(`${text} was taken`) : verdict.detail;
};

test.each([
  ["https://hooks.example.com/pennyline", undefined],
  ["https://hooks.example.com:443/pennyline?a=b", "https://hooks.example.com/pennyline?a=b"],
  ["https://hooks.example.com:8443/", undefined],
  ["HTTPS://Hooks.Example.com", "https://hooks.example.com/"],
  ["https://bücher.example/", "https://xn--bcher-kva.example/"],
  ["https://93.184.216.34/hook", undefined],
  ["https://[2606:2800:220:1:248:1893:25c8:1946]/hook", undefined],
  ["https://hooks.example.com/a@b", undefined],
])("takes %s", (text, normal) => {
  expect(checkUrl(text, deployed)).toEqual({ ok: true, url: normal ?? text });
});

describe("refuses every spelling of an address that is nobody's public server", () => {
  const v4 = {
    loopback:
      "127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 0177.1 %31%32%37.0.0.1 127.0.0.1. 127.255.255.254 １２７.0.0.1 127。0。0。1 ①②⑦.0.0.1",
    unspecified: "0.0.0.0 0 0x0 0.1.2.3 00.0.0.0",
    private:
      "10.0.0.1 10.1 167772161 0xa.1 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1 0300.0250.0.1 3232235777",
    "link local (metadata)":
      "169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.16689662 169.254.170.2",
    "carrier grade": "100.64.0.1 100.127.255.255",
    multicast: "224.0.0.1 239.255.255.255",
    broadcast: "255.255.255.255 4294967295",
    reserved: "240.0.0.1 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.9 192.88.99.1",
  };
  const v6 = {
    loopback: "::1 0:0:0:0:0:0:0:1 0000::0001",
    unspecified: "::",
    "mapped IPv4":
      "::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:8.8.8.8 0:0:0:0:0:ffff:a00:1",
    "compatible IPv4": "::127.0.0.1 ::a00:1 ::169.254.169.254",
    "translated IPv4": "::ffff:0:127.0.0.1",
    NAT64: "64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::8.8.8.8 64:ff9b:1::10.0.0.1",
    "6to4": "2002:7f00:1:: 2002:a9fe:a9fe::1 2002:808:808::1",
    Teredo: "2001:0:4136:e378:8000:63bf:3fff:fdd2 2001::1",
    "link local": "fe80::1 febf::1",
    "unique local": "fc00::1 fd00:ec2::254",
    "site local": "fec0::1",
    multicast: "ff02::1 ff0e::1",
    documentation: "2001:db8::1 3fff::1",
    discard: "100::1",
    "never given out": "4000::1 8000::1 5f00::1 1::1",
  };
  const cases = [
    ...Object.entries(v4).flatMap(([kind, all]) => all.split(" ").map((one) => [kind, one])),
    ...Object.entries(v6).flatMap(([kind, all]) => all.split(" ").map((one) => [kind, `[${one}]`])),
  ];
  test.each(cases)("%s: %s", (_, host) => {
    refused(`https://${host}/`);
    refused(`https://${host}:8443/latest/meta-data`);
    refused(`http://${host}/`);
  });

  test("whatever four bytes in a private range are written as", () => {
    const ranges = fc.constantFrom(
      [10, 0, 0, 0],
      [127, 0, 0, 0],
      [169, 254, 0, 0],
      [192, 168, 0, 0],
    );
    const radix = fc.constantFrom(8, 10, 16);
    fc.assert(
      fc.property(ranges, fc.nat(65_535), radix, fc.boolean(), (range, rest, base, whole) => {
        const bytes = [range[0], range[1], rest >> 8, rest & 255] as number[];
        const write = (n: number) =>
          base === 16 ? `0x${n.toString(16)}` : base === 8 ? `0${n.toString(8)}` : `${n}`;
        const asNumber = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
        const host = whole ? write(asNumber) : bytes.map(write).join(".");
        refused(`https://${host}/`);
      }),
    );
  });
});

test.each([
  ["localhost", "this machine itself"],
  ["LOCALHOST", "this machine itself"],
  ["api.localhost", "this machine itself"],
  ["localhost.", "must not end its host with a dot"],
  ["hooks.example.com.", "must not end its host with a dot"],
  ["intranet", "a name inside a private network"],
  ["printer.local", "a name inside a private network"],
  ["metadata.google.internal", "a name inside a private network"],
  ["nas.home.arpa", "a name inside a private network"],
])("refuses the name %s", (host, why) => {
  expect(refused(`https://${host}/`)).toContain(why);
});

test.each([
  ["http://hooks.example.com/", "must begin with https://"],
  ["ftp://hooks.example.com/", "must begin with https:// and a host"],
  ["file:///etc/passwd", "must begin with https:// and a host"],
  ["https:hooks.example.com", "must begin with https:// and a host"],
  ["https:///hooks.example.com", "must begin with https:// and a host"],
  ["//hooks.example.com/", "must begin with https:// and a host"],
  ["hooks.example.com/a", "must begin with https:// and a host"],
  ["", "must begin with https:// and a host"],
  ["https://hooks.example.com:80/", "must use port 443 or 8443, not 80"],
  ["https://hooks.example.com:22/", "must use port 443 or 8443, not 22"],
  ["https://hooks.example.com:0/", "must use port 443 or 8443, not 0"],
  ["https://hooks.example.com:99999/", "must be a URL"],
  ["https://exa mple.com/", "must not contain spaces"],
  ["https://hooks.example.com/\r\nHost: a", "must not contain spaces, control characters"],
  ["https://hooks.example.com\\@evil.example/", "must not contain spaces"],
  ["https://ada@hooks.example.com/", "must not contain a user name"],
  ["https://ada:secret@hooks.example.com/", "must not contain a user name"],
  ["https://@hooks.example.com/", "must not contain a user name"],
  ["https://hooks.example.com/#part", "must not contain a fragment"],
  ["https://hooks.example.com/#", "must not contain a fragment"],
  ["https://[::1/", "must be a URL"],
  ["https://[fe80::1%25eth0]/", "must be a URL"],
  ["https://256.1.1.1/", "must be a URL"],
  [`https://hooks.example.com/${"a".repeat(limits.maxUrlBytes)}`, "must be at most 2048 bytes"],
  ["https://hooks.example.com/\ud800", "must not contain"],
])("refuses %j", (text, why) => {
  expect(refused(text)).toContain(why);
  refused(text, oneMachine);
});

describe("where loopback is allowed", () => {
  test.each([
    "http://127.0.0.1:4000/hook",
    "http://localhost:1/",
    "http://[::1]:8080/",
    "https://127.0.0.1:9443/",
    "http://receiver.localhost:3000/",
    "http://127.1/",
  ])("takes %s", (text) => expect(checkUrl(text, oneMachine)).toMatchObject({ ok: true }));

  test.each([
    "http://hooks.example.com/",
    "https://hooks.example.com:4000/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest",
    "http://0.0.0.0:4000/",
    "http://[::ffff:127.0.0.1]/",
    "http://localhost.example.com/",
    "http://ada@127.0.0.1/",
  ])("refuses %s all the same", (text) => {
    refused(text, oneMachine);
  });
});

test("whatever text it is given, a verdict is given, and what is taken is taken again", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.webUrl()), (text) => {
      const verdict = checkUrl(text, deployed);
      if (verdict.ok) expect(checkUrl(verdict.url, deployed)).toEqual(verdict);
      else expect(verdict.detail).not.toBe("");
    }),
  );
});

test.each([
  ["Host", "a"],
  ["authorization", "Bearer x"],
  ["Content-Length", "1"],
  ["Transfer-Encoding", "chunked"],
  ["connection", "upgrade"],
  ["Cookie", "a=b"],
  ["Proxy-Authorization", "x"],
  ["X-Forwarded-For", "10.0.0.1"],
  ["x-note", "a\r\nHost: b"],
  ["x-note", "a\nb"],
  ["x-note", "ünicode"],
  ["x note", "a"],
  ["x:note", "a"],
  ["", "a"],
])("a caller cannot set the header %j to %j", (name, value) => {
  expect(headersProblem({ [name]: value })).toBeDefined();
});

test("a caller may set other headers", () => {
  expect(headersProblem({ "X-Api-Version": "2", "content-type": "text/plain" })).toBeUndefined();
});
