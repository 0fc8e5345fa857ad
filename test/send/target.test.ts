import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refuseTarget } from "../../src/send/target";
import { forAll } from "../for-all";

const strictly = { allowPrivateTargets: false, allowHttpTargets: true, gatewayHosts: [] };
const locally = { ...strictly, allowPrivateTargets: true };
const httpsOnly = { ...strictly, allowHttpTargets: false };

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
  "https://my_hooks.example.com/",
  "https://10.example.com/",
  "https://127.0.0.1.example.com/",
  "https://1.2.3.4.5.example.com/",
  "https://хост.рф/",
  "https://例え.みんな/",
  "https://meine.vermögensberater/",
  `https://${"a".repeat(63)}.com/`,
  `https://${"a.".repeat(125)}com/`,
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
  "http://①②⑦.⓪.⓪.①/",
  "http://１２７．０．０．１/",
  "http://0x7F.0x0.0x0.0x1/",
  "http://127.0.0.0x1/",
  "http://0177.1/",
  "http://0000000177.0.0.1/",
  "http://00000000000000000000000000177.0.0.1/",
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
  "http://[::127.0.0.1]/",
  "http://[::ffff:0:127.0.0.1]/",
  "http://[0:0:0:0:0:FFFF:7F00:0001]/",
  "http://[64:ff9b:1::a00:1]/",
  "http://[2001:0:7f00:1::]/",
  "http://[ff02::1]/",
  "http://[::1]:8080/",
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
  // The same, in letters that `new URL()` writes as ASCII.
  "http://ｌｏｃａｌｈｏｓｔ/",
  "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
  "http://LOCALHOST。/",
  "http://a.ｌｏｃａｌ/",
  "http://a。internal/",
  "http://𝓵𝓸𝓬𝓪𝓵𝓱𝓸𝓼𝓽/",
  "http://lo\u00adcalhost/",
  "http://%6cocalhost/",
  // The same, in letters that only look alike: no such ending exists.
  "http://a.lоcal/",
  "http://a.intеrnal/",
  "http://lоcalhost/",
  "http://a.xn--localhost-/",
  // Names that resolve nowhere.
  "http://*.example.com/",
  "http://a.&/",
  "http://a'b.example.com/",
  "http://a.-/",
  `http://${"a".repeat(64)}.com/`,
  `http://${"a.".repeat(126)}com/`,
  "http://a..com/",
  "http://.com/",
  "http://localhost../",
  "http://orchest-api/",
  "http://kubernetes./",
  "http://db:5432/",
];

const decimal = (number: number): string => String(number);
const octal = (number: number): string => `0${number.toString(8)}`;
const hexadecimal = (number: number): string => `0x${number.toString(16)}`;

/** A number of so many bits. */
const part = (bits: number): fc.Arbitrary<number> => fc.nat({ max: 2 ** bits - 1 });

const wide = (text: string): string =>
  text.replace(/[!-~]/g, (letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0));

const isPublicName = (url: URL): boolean => /^[\w.-]+\.[a-z][\w-]*\.?$/.test(url.hostname);

describe("the target guard", () => {
  it("lets public names through", () =>
    forAll(publicUrls, (url) => {
      expect(refuseTarget(new URL(url), strictly)).toBeNull();
    }));

  it("refuses addresses and local names, however they are spelled", () =>
    forAll(privateUrls, (url) => {
      expect(refuseTarget(new URL(url), strictly)).toMatch(/must be a public host name/);
    }));

  it("lets them through where private targets are allowed", () =>
    forAll(privateUrls, (url) => {
      expect(refuseTarget(new URL(url), locally)).toBeNull();
    }));

  it("refuses other schemes, also where private targets are allowed", () =>
    forAll(
      ["ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "ws://example.com/", "data:,x"],
      (url) => {
        expect(refuseTarget(new URL(url), strictly)).toMatch(/Only http and https/);
        expect(refuseTarget(new URL(url), locally)).toMatch(/Only http and https/);
      },
    ));

  it("refuses credentials, also where private targets are allowed", () =>
    forAll(
      ["https://user:pass@example.com/", "https://user@example.com/", "https://:pass@example.com/"],
      (url) => {
        expect(refuseTarget(new URL(url), strictly)).toMatch(/user name or a password/);
        expect(refuseTarget(new URL(url), locally)).toMatch(/user name or a password/);
      },
    ));

  it("lets only https through where http is switched off", () =>
    forAll(publicUrls, (url) => {
      const refusal = refuseTarget(new URL(url), httpsOnly);
      expect(refusal).toBe(/^https:/i.test(url) ? null : "Only https URLs are delivered to.");
    }));

  it("refuses http where it is switched off, also where private targets are allowed", () => {
    const rules = { ...httpsOnly, allowPrivateTargets: true };
    expect(refuseTarget(new URL("http://localhost/"), rules)).toMatch(/Only https/);
    expect(refuseTarget(new URL("https://localhost/"), rules)).toBeNull();
  });

  it("lets every port through", () =>
    forAll(["1", "80", "443", "8443", "65535"], (port) => {
      expect(refuseTarget(new URL(`https://example.com:${port}/`), strictly)).toBeNull();
    }));

  it("is never asked about what is no URL", () =>
    forAll(
      [
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::1",
        "http://1.2.3.4.5/",
        "http://256.256.256.256/",
        "http://4294967296/",
      ],
      (url) => {
        expect(URL.canParse(url)).toBe(false);
      },
    ));

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

  it("refuses every name under a private ending, in every case, width and number of dots", () => {
    const ending = fc.constantFrom("localhost", "local", "internal", "home.arpa", "onion", "test", "lan");
    const label = fc.stringMatching(/^[a-z0-9]{1,20}$/);
    const spelling = fc.constantFrom(
      (text: string) => text,
      (text: string) => text.toUpperCase(),
      wide,
      (text: string) => text.replaceAll(".", "。"),
      (text: string) => text.replaceAll("o", "%6f"),
    );
    fc.assert(
      fc.property(label, ending, spelling, fc.constantFrom("", "."), (name, under, spell, dot) => {
        const url = new URL(`http://${spell(`${name}.${under}`)}${dot}/`);
        expect(refuseTarget(url, strictly)).not.toBeNull();
      }),
    );
  });

  it("lets nothing through that is no public name, whatever it is asked", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string().map((host) => `https://${host}/`),
        ),
        (text) => {
          const url = URL.parse(text);
          expect(url === null || refuseTarget(url, strictly) !== null || isPublicName(url)).toBe(true);
        },
      ),
      { numRuns: 5000 },
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

describe("a gateway's own names", () => {
  const rules = { ...strictly, gatewayHosts: ["gateway.example.com", "orchest.account.workers.dev"] };

  it("are no targets", () =>
    forAll(
      [
        "https://gateway.example.com/api/events",
        "https://gateway.example.com:8443/",
        "https://GATEWAY.example.com./",
        "https://ｇateway.example.com/",
        "https://orchest.account.workers.dev/",
        "https://0a1b2c3d-orchest.account.workers.dev/",
        "https://branch-orchest.account.workers.dev/",
      ],
      (url) => {
        expect(refuseTarget(new URL(url), rules)).toMatch(/this gateway's own/);
      },
    ));

  it("are not those of others", () =>
    forAll(
      [
        "https://example.com/",
        "https://hooks.gateway.example.com/",
        "https://othergateway.example.com/",
        "https://my-gateway.example.com/",
        "https://other.account.workers.dev/",
        "https://orchest.another.workers.dev/",
      ],
      (url) => {
        expect(refuseTarget(new URL(url), rules)).toBeNull();
      },
    ));
});
