/** What is secret of a webhook's settings, as a whole and in parts. */
import type { SecretSettings } from "../platform/encryption";
import { isSecretOption } from "./message/format-options";

/**
 * `beginning` and `ending`: how many characters of it at either end say nothing: a scheme, and segments of a path that
 * are ordinary words.
 */
export type Secret = { text: string; beginning: number; ending: number };

/** Shorter segments of a path are found in innocent text, too, and are not what keeps it secret. */
const segmentCharactersMin = 8;
/** The same of a header's value, which holds names and numbers more often. */
const valuePartCharactersMin = 16;
/** A path without its first segments is secret, too: an application shows it like that when it was mounted there. */
const mountedSegmentsMax = 8;

/** Long segments that are no secrets. Shorter ones are never masked by themselves. */
const ordinaryWords = new Set(
  (
    "alerting api automation automations bot bots callback callbacks channel channels connector connectors delivery " +
    "deliveries endpoint endpoints environment event events external function functions gateway handler handlers hook " +
    "hooks inbound incoming incomingwebhook ingest integration integrations internal invoke job jobs listener listeners message messages " +
    "messaging monitoring notification notifications notifier notify orchest organization organizations payload payloads " +
    "pipeline pipelines platform production project projects public publish receive receiver receivers resource resources " +
    "run runs service services slack staging subscriber subscribers subscription subscriptions teams template templates " +
    "trigger triggers web webhook webhookb2 webhooks workflow workflows workspace workspaces"
  ).split(" "),
);

/** @returns each secret, and each part of one that is a secret by itself. */
export function secretsOf(settings: SecretSettings): Secret[] {
  const { url, secret, previous, headers = {}, formatOptions = {} } = settings;
  const signing = [secret, previous?.secret, previous?.hubSecret].filter((one) => one !== undefined);
  return [
    ...secretsOfUrl(new URL(url)),
    ...signing.flatMap((one) => [whole(one), whole(one.replace(/^whsec_/, ""))]),
    ...Object.values(headers).flatMap(secretsOfHeader),
    ...Object.entries(formatOptions).flatMap(([name, value]) => (isSecretOption(name) ? [whole(value)] : [])),
  ];
}

function secretsOfUrl({ pathname, search }: URL): Secret[] {
  const segments = pathname.split("/").filter((segment) => segment !== "");
  const mounted = segments
    .slice(0, mountedSegmentsMax)
    .map((_, index) => segments.slice(index).join("/"))
    .flatMap((path) => [`/${path}`, path])
    .filter((path) => secretPath(path).beginning < path.length);
  const values = search
    .slice(1)
    .split("&")
    .map((pair) => pair.slice(pair.indexOf("=") + 1));
  return [
    ...[pathname + search, pathname, ...mounted].map(secretPath),
    ...segments.filter(isTelling).map(whole),
    ...[search.slice(1), ...values].map(whole),
  ];
}

function isTelling(segment: string): boolean {
  return segment.length >= segmentCharactersMin && !consistsOfWords(segment);
}

function consistsOfWords(segment: string): boolean {
  return segment
    .toLowerCase()
    .split(/[-_.]/)
    .every((word) => ordinaryWords.has(word) || isShortWord(word));
}

/** `v1`, `2`, `to`: what joins words, or counts them. */
function isShortWord(word: string): boolean {
  return /^(?:[a-z]{1,3}|v?\d{1,2})$/.test(word);
}

/** A path, of which the words that many paths have, at its beginning and end, say nothing. */
function secretPath(path: string): Secret {
  const parts = path.split(/(?<=\/)/);
  const first = parts.findIndex(says);
  if (first === -1) return { text: path, beginning: path.length, ending: path.length };
  return {
    text: path,
    beginning: parts.slice(0, first).join("").length,
    ending: parts.slice(parts.findLastIndex(says) + 1).join("").length + 1,
  };
}

function says(part: string): boolean {
  return !isOrdinarySegment(part.replace("/", ""));
}

function isOrdinarySegment(segment: string): boolean {
  return /^[a-z]{0,7}$/.test(segment) || consistsOfWords(segment);
}

function secretsOfHeader(value: string): Secret[] {
  const scheme = /^[\w-]+ +/.exec(value)?.[0] ?? "";
  // Of `Bearer …` and its like also what comes behind the scheme.
  const credentials = value.slice(scheme.length);
  const parts = value.split(/[\s,;:"'=]+/).filter((part) => part.length >= valuePartCharactersMin);
  return [
    { text: value, beginning: scheme.length, ending: 0 },
    ...[credentials, ...parts, ...(/^basic /i.test(value) ? userAndPassword(credentials) : [])].map(whole),
  ];
}

/** `user:password` of Basic authentication (RFC 7617, 2), and the password. An API key may be the user. */
function userAndPassword(credentials: string): string[] {
  const pair = decodeBase64(credentials);
  const colon = pair.indexOf(":");
  if (colon === -1) return [];
  const [user, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  return [pair, password, ...(user.length >= valuePartCharactersMin ? [user] : [])];
}

/** @returns nothing for what is no base64: a header may hold any text. */
function decodeBase64(text: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text.trim()));
  } catch {
    return "";
  }
}

function whole(text: string): Secret {
  return { text, beginning: 0, ending: 0 };
}
