/** Senders: a sender has the decrypted settings and imported keys of one version of a webhook, for many messages. */
import { answerReaderOf } from "./answers/read-answer";
import { type AttemptResult, attempt, responseBodyBytesMax } from "./attempt";
import { chooseRoute, type Route, type RouteRules } from "./egress/choose-route";
import { direct } from "./egress/direct";
import { openTransport } from "./egress/open-transport";
import type { Transport } from "./egress/transport";
import type { ErrorClass } from "./error-class";
import { maskFor } from "./mask-answer";
import { type BuiltMessage, MessageError, messageOrError } from "./message/build-message";
import type { Format, ServiceFormat } from "./message/formats";
import { formatOf } from "./message/recognise-service";
import type { SentWebhook } from "./payload";
import { hubSignature, importSigningKeys, type SigningKeys, standardSignature } from "./signature";
import { log } from "../platform/log";
import type { Config } from "../platform/config";
import { maskedValue, type PreviousSecret, type SecretSettings } from "../platform/encryption";

/** The default timeout of an attempt, in seconds, as in Orchest. */
const defaultTimeoutS = 5;
const encoder = new TextEncoder();

/**
 * A message of one attempt. `place`: the delivery's sequence number and the attempt's number; absent for test pings.
 */
export type Message = {
  deliveryUuid: string;
  eventType: string;
  /** The event's source text. */
  event: string;
  place?: { sequence: number; attempt: number };
  /** The id of the replay that the delivery belongs to. */
  replay?: string;
  /** Texts of more events that the message tells of, in order: only for formats that have digests. */
  others?: readonly string[];
  /** Whether it is a test ping, whose message is displayed even with options that hide other events. */
  isTest?: boolean;
};

/**
 * The result of an attempt, with secrets masked in the response. `headers`: the headers that only this attempt had;
 * `shownHeaders` adds the others.
 */
type SendOutcome = { headers: Record<string, string>; result: AttemptResult };

/** The result of an attempt, with the version of the configuration that it was sent with. */
export type SentAttempt = SendOutcome & { configVersion: number };

/**
 * Sends messages to one webhook; may be called concurrently. `timeoutMs`: how long a receiver may take. `format`: the
 * format of messages. `send` throws a `GatewayFailure` when the gateway could not make the attempt.
 */
export type Sender = {
  timeoutMs: number;
  format: ServiceFormat;
  send(message: Message): Promise<SendOutcome>;
};

/**
 * The settings of a sender. `format`: `auto` by default. `timeoutS`: null for the default. `egress`: the name in the
 * webhook's settings; null for the first that matches.
 */
export type SenderSetup = {
  /** Has the bindings of egresses. */
  env: Env;
  webhook: SentWebhook;
  settings: SecretSettings;
  format?: Format;
  timeoutS?: number | null;
  egress?: string | null;
  rules: RouteRules & Pick<Config, "orchestUrl">;
  /**
   * Is awaited right before each request. The platform delays the requests of an object until its earlier writes are on
   * disk, and that delay must not count as the receiver's.
   */
  beforeRequest?: () => Promise<void>;
};

/** Imports the signing keys. The sender can be used until the webhook's configuration changes. */
export async function createSender(setup: SenderSetup): Promise<Sender> {
  const { webhook, settings, rules } = setup;
  const { previous, headers: custom = {}, formatOptions: options = {}, template = null } = settings;
  const { orchestUrl } = rules;
  const keys = await importSigningKeys(settings.secret);
  const rotating = previous && (await rotatingKeys(keys, previous));
  const timeoutMs = (setup.timeoutS ?? defaultTimeoutS) * 1000;
  const mask = maskFor(settings);
  const format = formatOf(setup.format ?? "auto", settings.url, webhook.contentType);
  const read = answerReaderOf(format, settings.url);
  const transport = transportFor(setup);

  return {
    timeoutMs,
    format,
    async send(message) {
      const input = { format, webhook, url: settings.url, options, template, orchestUrl, ...message };
      const built = messageOrError(input);
      if (built instanceof MessageError) {
        log("error", "message cannot be built", { webhook: webhook.uuid, delivery: message.deliveryUuid });
        return { headers: {}, result: mask(notBuilt(built)) };
      }
      const body = encoder.encode(built.body);
      const isRotating = previous !== undefined && Date.now() < previous.until;
      const signing = isRotating && rotating ? rotating : { hub: keys, standard: [keys] };
      const own = {
        ...(message.place && { "X-Orchest-Attempt": String(message.place.attempt) }),
        ...(message.replay !== undefined && { "X-Orchest-Replay": message.replay }),
        ...(await signatures(signing, message, body)),
      };
      if (transport === null) return { headers: own, result: blocked() };
      const headers = {
        ...withoutNames(built.headers, custom),
        ...custom,
        ...messageHeaders(built, message),
        ...own,
      };
      const url = targetOf(settings.url, built);
      const request = { url, headers, body, timeoutMs, verify: webhook.verifySsl, read };
      await setup.beforeRequest?.();
      return { headers: own, result: mask(await attempt(request, transport)) };
    },
  };
}

/** @returns the transport of the webhook's route; null when the target is not allowed. */
function transportFor({ env, settings, webhook, egress, rules }: SenderSetup): Transport | null {
  const route = routeOf({ settings, verifySsl: webhook.verifySsl, egress: egress ?? null }, rules);
  switch (route.kind) {
    case "direct":
      return direct;
    case "egress":
      return openTransport(env, route.egress, responseBodyBytesMax);
    case "refused":
      return null;
  }
}

/** @returns the route of a stored webhook's attempts: direct, an egress, or refused. */
export function routeOf(
  stored: { settings: SecretSettings; verifySsl: boolean; egress: string | null },
  rules: RouteRules,
): Route {
  const { settings, verifySsl, egress } = stored;
  const resolved = settings.isPrivate ? "The host resolves to an address that is not public." : null;
  return chooseRoute({ url: new URL(settings.url), verifySsl, egress, resolved }, rules);
}

/**
 * @returns all headers of an attempt, with masked values of custom headers.
 * @param headerNames of the custom headers.
 * @param own the headers that only this attempt had (`SendOutcome.headers`).
 */
export function shownHeaders(
  { built, headerNames }: { built: BuiltMessage; headerNames: readonly string[] },
  message: Headed,
  own: Record<string, string>,
): Record<string, string> {
  const { headers, secretHeaders = [] } = built;
  const masked = Object.fromEntries([...secretHeaders, ...headerNames].map((name) => [name, maskedValue]));
  return { ...withoutNames(headers, masked), ...masked, ...messageHeaders(built, message), ...own };
}

/** The headers of a message's format, without those that the webhook sets itself, in any case. */
function withoutNames(
  headers: Record<string, string> = {},
  others: Record<string, string>,
): Record<string, string> {
  if (Object.keys(others).length === 0) return headers;
  const taken = new Set(Object.keys(others).map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !taken.has(name.toLowerCase())));
}

/** @returns the URL of a message: the webhook's URL, with the path and query that the message adds. */
function targetOf(url: string, { target }: BuiltMessage): string {
  if (target === undefined) return url;
  const below = new URL(url);
  below.pathname = below.pathname.replace(/\/$/, "") + target.path;
  for (const [name, value] of Object.entries(target.query)) below.searchParams.set(name, value);
  return below.href;
}

/** The fields of a message that are in the headers of each attempt. */
type Headed = Pick<Message, "deliveryUuid" | "eventType"> & { place?: { sequence: number } };

function messageHeaders({ contentType }: BuiltMessage, message: Headed): Record<string, string> {
  return {
    // The runtime does not decompress responses (`answer-body.ts`). Without this header, it would request codings that
    // are not supported here.
    "Accept-Encoding": "identity",
    "Content-Type": contentType,
    "User-Agent": "Orchest",
    "X-Orchest-Event": message.eventType,
    "X-Orchest-Delivery": message.deliveryUuid,
    ...(message.place && { "X-Orchest-Sequence": String(message.place.sequence) }),
  };
}

/** The keys of each signature header. Only the header of Standard Webhooks can contain several signatures. */
type HeaderKeys = { hub: SigningKeys; standard: SigningKeys[] };

/** @returns the keys during the grace period of a rotation. */
async function rotatingKeys(keys: SigningKeys, { secret, hubSecret }: PreviousSecret): Promise<HeaderKeys> {
  const previous = await importSigningKeys(secret);
  if (hubSecret === undefined) return { hub: keys, standard: [keys, previous] };
  if (hubSecret === secret) return { hub: previous, standard: [keys, previous] };
  // The secret was rotated twice within the grace period.
  const hub = await importSigningKeys(hubSecret);
  return { hub, standard: [keys, previous, hub] };
}

async function signatures(
  signing: HeaderKeys,
  message: Message,
  body: Uint8Array,
): Promise<Record<string, string>> {
  const timestamp = Math.floor(Date.now() / 1000);
  const signed = { id: message.deliveryUuid, timestamp, body };
  const [hub, ...standard] = await Promise.all([
    hubSignature(signing.hub, body),
    ...signing.standard.map((keys) => standardSignature(keys, signed)),
  ]);
  return {
    "X-Hub-Signature": hub,
    // The format of WebSub and GitHub, which most libraries can verify.
    "X-Hub-Signature-256": `sha256=${hub}`,
    "webhook-id": message.deliveryUuid,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": standard.join(" "),
  };
}

function blocked(): AttemptResult {
  return notSent("blocked");
}

/** @returns a result that makes the delivery a dead letter at once, so that it blocks no other. */
function notBuilt({ message: reason }: MessageError): AttemptResult {
  return {
    ...notSent("format_error"),
    responseBody: `[${reason}]`,
    refusal: { kind: "refused", reason },
  };
}

function notSent(error: ErrorClass): AttemptResult {
  return {
    startedAt: Date.now(),
    durationMs: 0,
    egress: null,
    status: null,
    error,
    responseHeaders: {},
    responseBody: "",
    retryAfterMs: null,
  };
}
