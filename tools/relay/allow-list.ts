/**
 * The allow list: the targets that a relay may connect to. A rule is `host`, `network` or `host=network`, each with an
 * optional `:port`: `hooks.example.com:443`, `10.0.0.0/8`, `[fd00::/8]:8443`, `*.corp.example=10.1.0.0/16`.
 */
import { BlockList, isIP, isIPv6 } from "node:net";
import { isGloballyReachable } from "../../src/send/addresses.ts";

/** `host`: null for any. `network`: null for public addresses only. `port`: null for any. */
export type AllowRule = { host: string | null; network: Network | null; port: number | null };
type Network = { address: string; prefixBits: number; family: "ipv4" | "ipv6"; list: BlockList };

/** Metadata services that are not at a link-local address, from the clouds' documentation. */
const metadataServices = [
  // Alibaba Cloud
  "100.100.100.200",
  "fd00:100::100:200",
  // AWS: metadata, EKS Pod Identity, name server, clock
  "fd00:ec2::/32",
  // Azure: also its virtual machine agent's and its name server's, though the address is public
  "168.63.129.16",
  // Google Cloud
  "fd20:ce::254",
  // Linode
  "fd00:a9fe:a9fe::1",
  // Oracle Cloud
  "192.0.0.192",
  "fd00:c1::a9fe:a9fe",
  // Scaleway
  "fd00:42::42",
];

/**
 * Networks that a wider network, `*` and a name do not include, so that they give no access to the loopback addresses of
 * the relay's machine or to a cloud's metadata service. A rule must name them, or a part of them. The machine's other
 * addresses are addresses of its networks. The IPv6 ranges for IPv4 addresses (mapped, translated, 6to4, Teredo) are
 * special because they would otherwise be a second path to any IPv4 address.
 */
const special = [
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "::ffff:0:0/96",
  "64:ff9b::/96",
  "::ffff:0:0:0/96",
  "64:ff9b:1::/48",
  "2001::/32",
  "2002::/16",
  "fe80::/10",
  "ff00::/8",
  ...metadataServices,
].map((text) => parseNetwork(text));
const loopback = [parseNetwork("127.0.0.0/8"), parseNetwork("::1")];

const ruleForm = /^(?<host>[^=:[\]/]+)?(?:=(?<network>\[[^\]]+\]|[\d.]+(?:\/\d+)?))?(?::(?<port>\d{1,5}))?$/;
const hostForm = /^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)$/;

/** @throws {Error} naming the rule when it is malformed. */
export function parseAllowRule(text: string): AllowRule {
  const isNetworkOnly = /^(?:\[|[\d.]+(?:\/\d+)?(?::\d+)?$)/.test(text);
  const groups = ruleForm.exec(isNetworkOnly ? `=${text}` : text)?.groups;
  const host = groups?.["host"]?.toLowerCase() ?? null;
  const network = groups?.["network"];
  const port = groups?.["port"] === undefined ? null : Number(groups["port"]);
  const isMalformed =
    groups === undefined ||
    (host === null && network === undefined) ||
    (host !== null && !hostForm.test(host)) ||
    (port !== null && (port < 1 || port > 65_535));
  if (isMalformed) {
    throw new Error(
      `The allow rule "${text}" must be a host name, a network or host=network, each with an optional :port.`,
    );
  }
  return {
    host,
    network: network === undefined ? null : parseNetwork(network.replace(/^\[|\]$/g, "")),
    port,
  };
}

/**
 * @param text `*`, a name, `*.name` or an address. @returns the pattern in the form of a URL's host (`matchesHost`).
 * @throws {Error} naming it when no host could match it.
 */
export function parseHostPattern(text: string): string {
  const pattern = text.toLowerCase();
  if (hostForm.test(pattern)) return pattern;
  const address = text.replace(/^\[|\]$/g, "");
  const url = isIPv6(address) ? URL.parse(`http://[${address}]`) : null;
  if (url !== null) return url.hostname.slice(1, -1);
  throw new Error(`hosts: "${text}" must be a host name, *.name or an address, without a port.`);
}

/** Whether a name may be resolved and connected to at all, at some address. */
export function isNameAllowed(rules: readonly AllowRule[], host: string, port: number): boolean {
  return rules.some((rule) => fitsName(rule, host, port));
}

/**
 * Whether a relay may connect to an address for a host.
 * @param host as in the URL: a name in lower case without a dot at the end, or an address without brackets.
 * @param address that was resolved, which is what will be connected to.
 */
export function isAllowed(
  rules: readonly AllowRule[],
  { host, port, address }: { host: string; port: number; address: string },
): boolean {
  return rules.some((rule) => fitsName(rule, host, port) && opens(rule, address));
}

function fitsName(rule: AllowRule, host: string, port: number): boolean {
  if (rule.port !== null && rule.port !== port) return false;
  return rule.host === null || matchesHost(rule.host, host);
}

/** @param pattern `*`, a name, or `*.name` for what is below a name. */
export function matchesHost(pattern: string, host: string): boolean {
  if (pattern === "*") return true;
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function opens({ host, network }: AllowRule, address: string): boolean {
  // `localhost` in a rule also allows its addresses.
  const isLocalName = host === "localhost" || host === "*.localhost";
  if (network === null && isLocalName) return loopback.some((range) => contains(range, address));
  const range = special.find((one) => contains(one, address));
  if (network === null) return range === undefined && isGloballyReachable(address);
  return contains(network, address) && (range === undefined || isWithin(network, range));
}

/** Only of one family: a `BlockList` itself takes an IPv4 address for its mapped form, and the other way round. */
function contains({ list, family }: Network, address: string): boolean {
  return isIP(address) === (family === "ipv4" ? 4 : 6) && list.check(address, family);
}

function isWithin(inner: Network, outer: Network): boolean {
  return (
    inner.family === outer.family &&
    inner.prefixBits >= outer.prefixBits &&
    outer.list.check(inner.address, inner.family)
  );
}

function parseNetwork(text: string): Network {
  const [address = "", prefix] = text.split("/");
  const version = isIP(address);
  const bitsMax = version === 4 ? 32 : 128;
  const prefixBits = prefix === undefined ? bitsMax : Number(prefix);
  if (version === 0 || !/^\d{1,3}$/.test(prefix ?? "0") || prefixBits > bitsMax) {
    throw new Error(`"${text}" is not a network, such as 10.0.0.0/8 or fd00::/8.`);
  }
  const family = version === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(address, prefixBits, family);
  return { address, prefixBits, family, list };
}
