/** The secret texts in a webhook's settings, and the parts of them that are secrets by themselves. */
import type { SecretSettings } from "../platform/encryption";
import { isSecretOption } from "./message/format-options";

/**
 * A secret text. `beginning` and `ending`: how many characters at either end are not secret, such as a scheme, or path
 * segments that are ordinary words.
 */
export type Secret = { text: string; beginning: number; ending: number };

/** The least length of a path segment that is a secret by itself. Shorter ones occur in ordinary text, too. */
const segmentCharactersMin = 8;
/** The same for parts of a header's value, which are names and numbers more often. */
const valuePartCharactersMin = 16;
/**
 * How many leading segments may be missing from a path that is still secret: an application mounted below a path
 * displays paths without it.
 */
const mountedSegmentsMax = 8;

/** Words that make a long segment no secret. */
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

/** @returns each secret, and each part of one that is a secret by itself. There may be duplicates. */
export function secretsOf(settings: SecretSettings): Secret[] {
  const { url, secret, previous, headers = {}, formatOptions = {} } = settings;
  const signing = [secret, previous?.secret, previous?.hubSecret].filter((one) => one !== undefined);
  return [
    ...secretsOfUrl(new URL(url)),
    ...signing.flatMap((one) => [wholeText(one), wholeText(one.replace(/^whsec_/, ""))]),
    ...Object.values(headers).flatMap(secretsOfHeader),
    ...Object.entries(formatOptions).flatMap(([name, value]) =>
      isSecretOption(name) ? [wholeText(value)] : [],
    ),
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
    ...segments.filter(isSecretSegment).map(wholeText),
    ...[search.slice(1), ...values].map(wholeText),
  ];
}

function isSecretSegment(segment: string): boolean {
  return segment.length >= segmentCharactersMin && !consistsOfWords(segment);
}

function consistsOfWords(segment: string): boolean {
  return segment
    .toLowerCase()
    .split(/[-_.]/)
    .every((word) => ordinaryWords.has(word) || isShortWord(word));
}

/** Whether a word joins or counts words: `v1`, `2`, `to`. */
function isShortWord(word: string): boolean {
  return /^(?:[a-z]{1,3}|v?\d{1,2})$/.test(word);
}

/** A path as a secret. Ordinary words at its beginning and end are not secret. */
function secretPath(path: string): Secret {
  const parts = path.split(/(?<=\/)/);
  const first = parts.findIndex(isSecretPart);
  if (first === -1) return { text: path, beginning: path.length, ending: path.length };
  return {
    text: path,
    beginning: parts.slice(0, first).join("").length,
    ending: parts.slice(parts.findLastIndex(isSecretPart) + 1).join("").length + 1,
  };
}

function isSecretPart(part: string): boolean {
  return !isOrdinarySegment(part.replace("/", ""));
}

function isOrdinarySegment(segment: string): boolean {
  return /^[a-z]{0,7}$/.test(segment) || consistsOfWords(segment);
}

function secretsOfHeader(value: string): Secret[] {
  const scheme = /^[\w-]+ +/.exec(value)?.[0] ?? "";
  // The part after a scheme such as `Bearer` is a secret by itself.
  const credentials = value.slice(scheme.length);
  const parts = value.split(/[\s,;:"'=]+/).filter((part) => part.length >= valuePartCharactersMin);
  return [
    { text: value, beginning: scheme.length, ending: 0 },
    ...[credentials, ...parts, ...(/^basic /i.test(value) ? userAndPassword(credentials) : [])].map(
      wholeText,
    ),
  ];
}

/**
 * @returns `user:password` of Basic authentication (RFC 7617, 2), the password, and a long user name, which may be an
 *   API key.
 */
function userAndPassword(credentials: string): string[] {
  const pair = decodeBase64(credentials);
  const colon = pair.indexOf(":");
  if (colon === -1) return [];
  const [user, password] = [pair.slice(0, colon), pair.slice(colon + 1)];
  return [pair, password, ...(user.length >= valuePartCharactersMin ? [user] : [])];
}

/** @returns the decoded text; empty for text that is not base64, because a header may contain any text. */
function decodeBase64(text: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text.trim()));
  } catch {
    return "";
  }
}

function wholeText(text: string): Secret {
  return { text, beginning: 0, ending: 0 };
}
