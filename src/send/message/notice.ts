/** An event as a message tells of it: what every service's message is made from. */
import type { SentWebhook } from "../payload";
import { type Digest, type DigestItem, digestOf } from "./digest";
import { type Fields, isFields, shownText } from "./event-fields";
import { type Sentence, sentenceOf } from "./sentence";

export type Notice = {
  sentence: Sentence;
  /** The events, where the message tells of several: `sentence` is about all of them then. Null for one. */
  digest: Digest | null;
  /** The event, parsed; empty for what is no object, and for several. */
  fields: Fields;
  /** The event's type as a line of text; may be empty, as it is for several. */
  type: string;
  /** When it happened, in ms; null where the event does not say it. Of several, the latest. */
  occurredAt: number | null;
  /** The contract's two members as JSON text, without braces, for services that ignore members they do not know. `event`: only of one. */
  envelope: string;
  webhook: SentWebhook;
  /** The webhook's URL or its outline. */
  url: string;
  /** `format_options`. */
  options: Readonly<Record<string, string>>;
  isTest: boolean;
};

/** What a notice is made of, as `MessageInput` has it. */
type NoticeInput = {
  webhook: SentWebhook;
  url: string;
  event: string;
  others?: readonly string[];
  options: Readonly<Record<string, string>>;
  orchestUrl: string | null;
  isTest?: boolean;
};

/** Parses the events. @param deliveredFor the JSON text that says for whom it is. */
export function noticeOf(input: NoticeInput, deliveredFor: string): Notice {
  const { webhook, url, event, others = [], options, orchestUrl, isTest = false } = input;
  const first = itemOf(event, orchestUrl);
  const common = { webhook, url, options, isTest };
  if (others.length === 0) {
    const { fields, sentence } = first;
    return {
      ...common,
      sentence,
      digest: null,
      fields,
      type: typeof fields["type"] === "string" ? (shownText(fields["type"]) ?? "") : "",
      occurredAt: timeOf(fields["timestamp"]),
      envelope: `"delivered_for":${deliveredFor},"event":${event}`,
    };
  }
  const items = [first, ...others.map((other) => itemOf(other, orchestUrl))];
  const times = items.flatMap(({ fields }) => timeOf(fields["timestamp"]) ?? []);
  return {
    ...common,
    ...digestOf(items, orchestUrl),
    fields: {},
    type: "",
    occurredAt: times.length === 0 ? null : Math.max(...times),
    envelope: `"delivered_for":${deliveredFor}`,
  };
}

function itemOf(event: string, orchestUrl: string | null): DigestItem {
  const parsed: unknown = JSON.parse(event);
  const fields = isFields(parsed) ? parsed : {};
  return { fields, sentence: sentenceOf(fields, { orchestUrl }) };
}

/** `2022-06-02 16:12 UTC`, for services that cannot show a time in their readers' zones. */
export function utcMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** Orchest writes a blank between date and time, and microseconds. Without a zone it is UTC. */
function timeOf(timestamp: unknown): number | null {
  if (typeof timestamp !== "string" || timestamp.length > 64) return null;
  const text = timestamp.trim().replace(" ", "T");
  const ms = Date.parse(/(?:z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  const year = Number.isNaN(ms) ? Number.NaN : new Date(ms).getUTCFullYear();
  // What is outside of four digits is written differently in ISO 8601, and no service takes it.
  return year >= 1970 && year <= 9999 ? ms : null;
}
