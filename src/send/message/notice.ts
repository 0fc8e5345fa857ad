/** Notices: the content of a message, from which each service's message is built. */
import { parseTimestampUs } from "../../platform/timestamp";
import type { SentWebhook } from "../payload";
import { type Digest, type DigestItem, digestOf } from "./digest";
import { type Fields, isFields, shownText } from "./event-fields";
import { type Sentence, sentenceOf } from "./sentence";

/** Later years have another form in ISO 8601. */
const yearTenThousandUs = Date.UTC(10_000, 0) * 1000;

/** The content of a message, about one event or a digest of several. */
export type Notice = {
  sentence: Sentence;
  /** The digest of several events, which `sentence` is about; null for a single event. */
  digest: Digest | null;
  /** The parsed event; empty when it is not an object, and for a digest. */
  fields: Fields;
  /** The event's type in one line; empty for a digest, and may be empty otherwise. */
  type: string;
  /** The event's timestamp, in ms; null when it has none. For a digest, the latest one. */
  occurredAt: number | null;
  /** The contract's two members as JSON text, without braces, for services that ignore members they do not know. `event`: only of one. */
  envelope: string;
  webhook: SentWebhook;
  /** The webhook's URL, or its `outlineOf`. */
  url: string;
  /** `format_options`. */
  options: Readonly<Record<string, string>>;
  isTest: boolean;
};

/** The fields of `MessageInput` that a notice needs. */
type NoticeInput = {
  webhook: SentWebhook;
  url: string;
  event: string;
  others?: readonly string[];
  options: Readonly<Record<string, string>>;
  orchestUrl: string | null;
  isTest?: boolean;
};

/** Parses the events. @param deliveredFor the JSON text of `delivered_for`. @returns the notice. */
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

/** @returns `2022-06-02 16:12 UTC`, for services that cannot display a time in their readers' zones. */
export function utcMinute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** @returns the time in ms; null when the event has none, or one outside the years that every service accepts. */
function timeOf(timestamp: unknown): number | null {
  const us = typeof timestamp === "string" ? parseTimestampUs(timestamp) : null;
  if (us === null || us < 0 || us >= yearTenThousandUs) return null;
  return Math.floor(us / 1000);
}
