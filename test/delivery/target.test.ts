import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refuseTarget } from "../../src/delivery/target";

const strictly = { allowPrivateTargets: false };
const locally = { allowPrivateTargets: true };

const publicUrls = [
  "https://hooks.slack.com/services/T/B/x",
  "http://example.com",
  "http://example.com:8080/hook",
  "https://example.com./hook",
  "https://EXAMPLE.com/",
  "https://xn--bcher-kva.example.com/",
  "https://bücher.example.com/",
  "https://localhost.example.com/",
  "https://internal.example.com/",
  "https://local.dev/",
  "https://10.example.com/",
  "https://127.0.0.1.example.com/",
  "https://1.2.3.4.5.example.com/",
];

const privateUrls = [
  // This machine, in IPv4's many spellings.
  "http://127.0.0.1/",
  "http://127.0.0.1./",
  "http://127.1/",
  "http://127.0.1/",
  "http://0x7f.1/",
  "http://0x7f000001/",
  "http://0X7F.0.0.1/",
  "http://017700000001/",
  "http://0177.0.0.1/",
  "http://2130706433/",
  "http://0/",
  "http://0.0.0.0/",
  "http://１２７.０.０.１/",
  "http://127。0。0。1/",
  "http://%31%32%37.0.0.1/",
  // Private networks, the cloud's metadata, and a public address: a name is what can be delivered to.
  "http://10.0.0.1/",
  "http://172.16.0.1/",
  "http://192.168.1.1:8080/",
  "http://169.254.169.254/latest/meta-data",
  "http://0xA9FEA9FE/",
  "http://100.64.0.1/",
  "http://224.0.0.1/",
  "http://255.255.255.255/",
  "https://8.8.8.8/",
  // IPv6: loopback, mapped, NAT64, 6to4, unique local, link-local, public.
  "http://[::1]/",
  "http://[0:0:0:0:0:0:0:1]/",
  "http://[::]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[2002:7f00:1::]/",
  "http://[fc00::1]/",
  "http://[fd12:3456:789a::1]/",
  "http://[fe80::1]/",
  "https://[2606:4700:4700::1111]/",
  // Names that are never public.
  "http://localhost/",
  "http://localhost./",
  "http://localhost:8787/",
  "http://LOCALHOST/",
  "http://a.localhost/",
  "http://a.b.localhost./",
  "http://printer.local/",
  "http://metadata.google.internal/",
  "http://router.home.arpa/",
  "http://1.0.0.127.in-addr.arpa/",
  "http://hidden.onion/",
  "http://a.test/",
  "http://a.invalid/",
  "http://a.lan/",
  "http://a.intranet/",
  "http://a.corp/",
  "http://a.home/",
  "http://a.private/",
  "http://a.localdomain/",
  "http://a.LOCAL/",
  "http://orchest-api/",
  "http://kubernetes./",
  "http://db:5432/",
];

const decimal = (number: number): string => String(number);
const octal = (number: number): string => `0${number.toString(8)}`;
const hexadecimal = (number: number): string => `0x${number.toString(16)}`;

/** A number of so many bits. */
const part = (bits: number): fc.Arbitrary<number> => fc.nat({ max: 2 ** bits - 1 });

describe("the target guard", () => {
  it.each(publicUrls)("lets %s through", (url) => {
    expect(refuseTarget(new URL(url), strictly)).toBeNull();
  });

  it.each(privateUrls)("refuses %s", (url) => {
    expect(refuseTarget(new URL(url), strictly)).toMatch(/must be a public host name/);
  });

  it.each(privateUrls)("lets %s through where private targets are allowed", (url) => {
    expect(refuseTarget(new URL(url), locally)).toBeNull();
  });

  it.each([
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "ws://example.com/",
    "data:,x",
  ])("refuses the scheme of %s, also where private targets are allowed", (url) => {
    expect(refuseTarget(new URL(url), strictly)).toMatch(/Only http and https/);
    expect(refuseTarget(new URL(url), locally)).toMatch(/Only http and https/);
  });

  it.each(["https://user:pass@example.com/", "https://user@example.com/", "https://:pass@example.com/"])(
    "refuses the credentials of %s, also where private targets are allowed",
    (url) => {
      expect(refuseTarget(new URL(url), strictly)).toMatch(/user name or a password/);
      expect(refuseTarget(new URL(url), locally)).toMatch(/user name or a password/);
    },
  );

  it("refuses every IPv4 address, however it is written", () => {
    const radix = fc.constantFrom(decimal, octal, hexadecimal);
    const spellings = fc.oneof(
      fc.tuple(radix, part(32)).map(([write, all]) => write(all)),
      fc
        .tuple(radix, part(8), radix, part(24))
        .map(([write, a, writeRest, rest]) => `${write(a)}.${writeRest(rest)}`),
      fc
        .tuple(radix, fc.tuple(part(8), part(8), part(16)))
        .map(([write, parts]) => parts.map(write).join(".")),
      fc
        .tuple(radix, fc.tuple(part(8), part(8), part(8), part(8)))
        .map(([write, parts]) => parts.map(write).join(".")),
    );
    fc.assert(
      fc.property(spellings, fc.constantFrom("", "."), (address, dot) => {
        expect(refuseTarget(new URL(`http://${address}${dot}/`), strictly)).not.toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses every IPv6 address", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(refuseTarget(new URL(`http://[${address}]/`), strictly)).not.toBeNull();
      }),
    );
  });

  it("never says the URL", () => {
    for (const url of [
      "ftp://example.com/hidden",
      "https://u:hidden@example.com/",
      "http://10.0.0.1/hidden",
    ]) {
      expect(refuseTarget(new URL(url), strictly)).not.toContain("hidden");
    }
  });
});
