/** A webhook made ready to send: its settings decrypted and its keys imported, once per version. */
import { type AttemptResult, attempt } from "./attempt";
import type { LaneConfig } from "./handover";
import { buildBody, chatServiceOf } from "./payload";
import { hubSignature, importSigningKeys, type SigningKeys, standardSignature } from "./signature";
import { refuseTarget } from "./target";
import type { SealedSettings } from "../sealing";

/** Orchest's time-out for a receiver. */
const timeoutMs = 5000;

/** What is to be sent once. `sequence` and `number` (of the attempt) are absent on pings. */
export type Message = {
  deliveryUuid: string;
  eventType: string;
  /** The event's source text. */
  event: string;
  place?: { sequence: number; attempt: number };
};

/** What was sent and what came of it. */
export type Sent = { headers: Record<string, string>; result: AttemptResult };

export type Sender = { send(message: Message): Promise<Sent> };

/** Imports the secret's keys; the sender may then be used for as long as the configuration stands. */
export async function createSender(setup: {
  webhook: LaneConfig["webhook"];
  settings: SealedSettings;
  allowPrivateTargets: boolean;
}): Promise<Sender> {
  const { webhook, settings, allowPrivateTargets } = setup;
  const keys = await importSigningKeys(settings.secret);
  const chat = chatServiceOf(settings.url);
  const refusal = refuseTarget(new URL(settings.url), { allowPrivateTargets });

  return {
    async send(message) {
      const body = new TextEncoder().encode(buildBody({ webhook, chat, event: message.event }));
      const headers = await signedHeaders(keys, webhook.contentType, message, body);
      if (refusal !== null) return { headers, result: blocked() };
      return { headers, result: await attempt({ url: settings.url, headers, body, timeoutMs }) };
    },
  };
}

async function signedHeaders(
  keys: SigningKeys,
  contentType: string,
  message: Message,
  body: Uint8Array,
): Promise<Record<string, string>> {
  const timestamp = Math.floor(Date.now() / 1000);
  const [hub, standard] = await Promise.all([
    hubSignature(keys, body),
    standardSignature(keys, { id: message.deliveryUuid, timestamp, body }),
  ]);
  return {
    "Content-Type": contentType,
    "User-Agent": "Orchest",
    "X-Orchest-Event": message.eventType,
    "X-Orchest-Delivery": message.deliveryUuid,
    ...(message.place && {
      "X-Orchest-Sequence": String(message.place.sequence),
      "X-Orchest-Attempt": String(message.place.attempt),
    }),
    "X-Hub-Signature": hub,
    "webhook-id": message.deliveryUuid,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": standard,
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
  };
}
