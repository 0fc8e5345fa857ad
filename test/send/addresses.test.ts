import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isGloballyReachable } from "../../src/send/addresses";
import { forAll } from "../for-all";

/** Each range that is not on the internet: its first and last address, and its neighbours that are (null: there are none). */
const rangesV4: [range: string, first: string, last: string, before: string | null, after: string | null][] =
  [
    ["0.0.0.0/8", "0.0.0.0", "0.255.255.255", null, "1.0.0.0"],
    ["10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"],
    ["100.64.0.0/10", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"],
    ["127.0.0.0/8", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"],
    ["169.254.0.0/16", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"],
    ["172.16.0.0/12", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"],
    ["192.0.0.0/24", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"],
    ["192.0.2.0/24", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"],
    ["192.88.99.0/24", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"],
    ["192.168.0.0/16", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"],
    ["198.18.0.0/15", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"],
    ["198.51.100.0/24", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"],
    ["203.0.113.0/24", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"],
    ["224.0.0.0/4", "224.0.0.0", "239.255.255.255", "223.255.255.255", null],
    ["240.0.0.0/4", "240.0.0.0", "255.255.255.255", null, null],
  ];

const ones = "ffff:ffff:ffff:ffff:ffff:ffff";
const rangesV6: typeof rangesV4 = [
  ["all before 2000::/3", "::", `1fff:ffff:${ones}`, null, "2000::"],
  ["2001::/23", "2001::", `2001:1ff:${ones}`, `2000:ffff:${ones}`, "2001:200::"],
  ["2001:db8::/32", "2001:db8::", `2001:db8:${ones}`, `2001:db7:${ones}`, "2001:db9::"],
  ["2002::/16", "2002::", `2002:ffff:${ones}`, `2001:ffff:${ones}`, "2003::"],
  ["3fff::/20", "3fff::", `3fff:fff:${ones}`, `3ffe:ffff:${ones}`, "3fff:1000::"],
  ["all behind 2000::/3", "4000::", `ffff:ffff:${ones}`, `3fff:ffff:${ones}`, null],
];

/** What lies before and behind the space that is given out, by its names. */
const specialV6: [name: string, first: string, last: string][] = [
  ["the unspecified address", "::", "::"],
  ["loopback", "::1", "::1"],
  ["IPv4, compatible (deprecated)", "::7f00:1", "::8.8.8.8"],
  ["IPv4, mapped", "::ffff:0:0", "::ffff:255.255.255.255"],
  ["IPv4, translated", "64:ff9b::", "64:ff9b::ffff:ffff"],
  ["IPv4, translated locally", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
  ["discard", "100::", "100::ffff:ffff:ffff:ffff"],
  ["Teredo", "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["benchmarking", "2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff"],
  ["ORCHIDv2", "2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["segment routing", "5f00::", `5f00:ffff:${ones}`],
  ["unique local", "fc00::", `fdff:ffff:${ones}`],
  ["link-local", "fe80::", `febf:ffff:${ones}`],
  ["site-local (deprecated)", "fec0::", `feff:ffff:${ones}`],
  ["multicast", "ff00::", `ffff:ffff:${ones}`],
];

const publicAddresses = ["1.1.1.1", "8.8.8.8", "104.16.132.229", "2606:4700::6810:84e5", "2a00:1450::8a"];

describe("an address", () => {
  it("in a special range is not on the internet, from its first to its last", () =>
    forAll([...rangesV4, ...rangesV6], (_, first, last, before, after) => {
      expect([first, last].map(isGloballyReachable)).toEqual([false, false]);
      const neighbours = [before, after].filter((address) => address !== null);
      expect(neighbours.filter((address) => !isGloballyReachable(address))).toEqual([]);
    }));

  it("of a special IPv6 kind is not on the internet", () =>
    forAll(specialV6, (_, first, last) => {
      expect([first, last].map(isGloballyReachable)).toEqual([false, false]);
    }));

  it("of a public network is on the internet", () =>
    forAll(publicAddresses, (address) => {
      expect(isGloballyReachable(address)).toBe(true);
    }));

  it("that is none is not on the internet either", () =>
    forAll(
      [
        "",
        "localhost",
        "1.2.3",
        "256.1.1.1",
        "1.1.1.1 ",
        "01.1.1.1.1",
        "::1%eth0",
        "[::1]",
        "2606::1::2",
        "x",
      ],
      (text) => {
        expect(isGloballyReachable(text)).toBe(false);
      },
    ));

  it("in IPv6 may be written in every way", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
        expect(isGloballyReachable(address)).toBe(isGloballyReachable(plain));
      }),
    );
  });

  it("of a private IPv4 network stays private inside every IPv6 form", () => {
    const host = fc.nat({ max: 2 ** 24 - 1 });
    fc.assert(
      fc.property(host, fc.constantFrom("::ffff:", "64:ff9b::", "::"), (rest, prefix) => {
        const address = `10.${rest >> 16}.${(rest >> 8) & 255}.${rest & 255}`;
        expect(isGloballyReachable(prefix + address)).toBe(false);
      }),
    );
  });

  it("of ISATAP inside a public network is where its IPv4 address is", () => {
    const networks = ["2606:4700:1:2:", "2a00:1450:0:0:", "2001:4860:4860:8888:"];
    const identifiers = ["0:5efe:", "200:5efe:", "100:5efe:", "300:5efe:"];
    const prefixes = networks.flatMap((network) => identifiers.map((identifier) => network + identifier));
    return forAll(prefixes, (prefix) => {
      const inside = rangesV4.flatMap(([, first, last]) => [prefix + first, prefix + last]);
      expect(inside.filter(isGloballyReachable)).toEqual([]);
      expect([`${prefix}808:808`, `${prefix}1.1.1.1`].map(isGloballyReachable)).toEqual([true, true]);
    });
  });

  it("that only looks like ISATAP is what its network is", () =>
    forAll(["2606:4700::5efe:1:a00:1", "2606:4700::400:5efe:a00:1", "2606:4700::1:5efe:a00:1"], (address) => {
      expect(isGloballyReachable(address)).toBe(true);
    }));
});
