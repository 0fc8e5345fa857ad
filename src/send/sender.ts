/** A webhook made ready to send: its settings decrypted and its keys imported, once per version. */
import { type AttemptResult, attempt } from "./attempt";
import { maskFor } from "./mask-answer";
import { buildBody, chatServiceOf, type SentWebhook } from "./payload";
import { hubSignature, importSigningKeys, type SigningKeys, standardSignature } from "./signature";
import { refuseTarget, type TargetRules } from "./target";
import { maskedValue, type PreviousSecret, type SecretSettings } from "../platform/encryption";

/** Orchest's time-out for a receiver. */
const defaultTimeoutS = 5;
const encoder = new TextEncoder();

/** What is to be sent once. `sequence` and `number` (of the attempt) are absent on pings. */
export type Message = {
  deliveryUuid: string;
  eventType: string;
  /** The event's source text. */
  event: string;
  place?: { sequence: number; attempt: number };
  /** The replay that it belongs to. */
  replay?: string;
};

/**
 * What was sent, and its result. `headers`: those that only this attempt has; `shownHeaders` has the others. Secrets
 * are masked in what the receiver answered.
 */
type SendOutcome = { headers: Record<string, string>; result: AttemptResult };

/** The same, and under which version of the configuration it was sent. */
export type SentAttempt = SendOutcome & { configVersion: number };

/** `timeoutMs`: how long a receiver may take. `send` throws an `OwnFailure` when nothing can be said of the receiver. */
export type Sender = { timeoutMs: number; send(message: Message): Promise<SendOutcome> };

/** What a sender is made of. `timeoutS`: null for the default. */
export type SenderSetup = {
  webhook: SentWebhook;
  settings: SecretSettings;
  timeoutS?: number | null;
  rules: TargetRules;
};

/** Imports the secret's keys; the sender may then be used for as long as the configuration stands. */
export async function createSender(setup: SenderSetup): Promise<Sender> {
  const { webhook, settings, rules } = setup;
  const { previous, headers: custom = {} } = settings;
  const keys = await importSigningKeys(settings.secret);
  const rotating = previous && (await rotatingKeys(keys, previous));
  const timeoutMs = (setup.timeoutS ?? defaultTimeoutS) * 1000;
  const mask = maskFor(settings);
  const chat = chatServiceOf(settings.url);
  const refusal = refuseTarget(new URL(settings.url), rules);

  return {
    timeoutMs,
    async send(message) {
      const body = encoder.encode(buildBody({ webhook, chat, event: message.event }));
      const isRotating = previous !== undefined && Date.now() < previous.until;
      const signing = isRotating && rotating ? rotating : { hub: keys, standard: [keys] };
      const own = {
        ...(message.place && { "X-Orchest-Attempt": String(message.place.attempt) }),
        ...(message.replay !== undefined && { "X-Orchest-Replay": message.replay }),
        ...(await signatures(signing, message, body)),
      };
      if (refusal !== null) return { headers: own, result: blocked() };
      const headers = { ...custom, ...messageHeaders(webhook, message), ...own };
      return {
        headers: own,
        result: mask(await attempt({ url: settings.url, headers, body, timeoutMs })),
      };
    },
  };
}

/**
 * All that a delivery was sent with, the values of custom headers masked.
 * @param headerNames of the custom headers.
 * @param own the headers that only this attempt had (`SendOutcome`).
 */
export function shownHeaders(
  { webhook, headerNames }: { webhook: SentWebhook; headerNames: readonly string[] },
  message: Headed,
  own: Record<string, string>,
): Record<string, string> {
  const masked = Object.fromEntries(headerNames.map((name) => [name, maskedValue]));
  return { ...masked, ...messageHeaders(webhook, message), ...own };
}

/** Of a message, what its own headers are made of that each of its attempts has. */
type Headed = Pick<Message, "deliveryUuid" | "eventType"> & { place?: { sequence: number } };

function messageHeaders(webhook: SentWebhook, message: Headed): Record<string, string> {
  return {
    // Answers are not decompressed on the way (`attempt`): production would ask for codings that cannot be read here.
    "Accept-Encoding": "identity",
    "Content-Type": webhook.contentType,
    "User-Agent": "Orchest",
    "X-Orchest-Event": message.eventType,
    "X-Orchest-Delivery": message.deliveryUuid,
    ...(message.place && { "X-Orchest-Sequence": String(message.place.sequence) }),
  };
}

/** The keys of each header. Only Standard Webhooks' holds several signatures. */
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
    "webhook-id": message.deliveryUuid,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": standard.join(" "),
  };
}

function blocked(): AttemptResult {
  return {
    startedAt: Date.now(),
    durationMs: 0,
    status: null,
    error: "blocked",
    responseHeaders: {},
    responseBody: "",
    retryAfterMs: null,
  };
}
