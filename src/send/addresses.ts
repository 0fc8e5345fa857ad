/** Tells public from special-purpose IP addresses. Source: IANA's registries of special-purpose addresses. */

type Range = { first: bigint; prefixBits: number };

/** The IPv4 ranges that are not globally reachable. All others are public. */
const specialV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
].map(range);

/**
 * The IPv6 range that is allocated to networks. All other ranges are special: the unspecified and loopback addresses,
 * mapped and translated IPv4 (`64:ff9b::`), discard (`100::`), segment routing (`5f00::`), unique local, link-local,
 * multicast.
 */
const globalV6 = range("2000::/3");

/** Special ranges within `globalV6`: protocol assignments such as Teredo, documentation, 6to4. */
const specialV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"].map(range);

/**
 * ISATAP's interface identifiers (RFC 5214, 6.1): `0:5efe` and an IPv4 address, to which the last router sends the
 * packet. The mask ignores the bits for "universal" and "group", which may have any value.
 */
const isatap = 0x00_00_5e_fen;
const isatapMask = 0xfc_ff_ff_ffn;

const v4Bits = 32;
const v6Bits = 128;

/**
 * @param text an address as in DNS answers.
 * @returns whether the address is public; false for text that is not an address.
 */
export function isGloballyReachable(text: string): boolean {
  const v4 = parseV4(text);
  if (v4 !== null) return isGlobalV4(v4);
  const v6 = parseV6(text);
  if (v6 === null) return false;
  const isGlobal = contains(globalV6, v6, v6Bits) && !specialV6.some((range) => contains(range, v6, v6Bits));
  return isGlobal && (!isIsatap(v6) || isGlobalV4(BigInt.asUintN(v4Bits, v6)));
}

function isGlobalV4(address: bigint): boolean {
  return !specialV4.some((range) => contains(range, address, v4Bits));
}

function isIsatap(address: bigint): boolean {
  return ((address >> BigInt(v4Bits)) & isatapMask) === isatap;
}

function range(text: string): Range {
  const [address = "", prefix] = text.split("/");
  return { first: parseV4(address) ?? parseV6(address) ?? 0n, prefixBits: Number(prefix) };
}

function contains({ first, prefixBits }: Range, address: bigint, bits: number): boolean {
  const rest = BigInt(bits - prefixBits);
  return first >> rest === address >> rest;
}

/** Parses only four decimal numbers, the form in DNS answers. */
function parseV4(text: string): bigint | null {
  if (!/^(?:\d{1,3}\.){3}\d{1,3}$/.test(text)) return null;
  const parts = text.split(".").map(Number);
  if (parts.some((part) => part > 255)) return null;
  return parts.reduce((all, part) => (all << 8n) | BigInt(part), 0n);
}

/** `new URL()` parses all spellings, and normalizes them to groups of hexadecimal digits with at most one `::`. */
function parseV6(text: string): bigint | null {
  const host = /^[\da-f:.]+$/i.test(text) ? URL.parse(`http://[${text}]/`)?.hostname : undefined;
  if (host === undefined) return null;
  const [head = "", tail] = host.slice(1, -1).split("::");
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].reduce((all, group) => (all << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOf(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
