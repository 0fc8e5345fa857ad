/** When deliveries of a webhook may share a message. */
import { FieldError } from "../platform/errors";
import { digestFormats, hasDigests } from "../send/message/digest";
import type { Format } from "../send/message/formats";
import { formatOf } from "../send/message/recognise-service";

/** A webhook as it would be. `url`: in full. */
type DigestedWebhook = {
  digestS: number | null;
  ordering: "strict" | "keyed" | "none";
  format: Format;
  url: string;
  contentType: string;
};

/**
 * Digests are messages for people, and tell of events in their order.
 * @throws {FieldError} when the webhook has digests and its ordering or its format does not go with them.
 */
export function checkDigest({ digestS, ordering, format, url, contentType }: DigestedWebhook): void {
  if (digestS === null) return;
  if (ordering !== "strict") {
    throw new FieldError(
      "digest_s",
      `requires the ordering strict, and the webhook's is ${ordering}: set ordering to strict, or digest_s to 0.`,
    );
  }
  const service = formatOf(format, url, contentType);
  if (hasDigests(service)) return;
  const found =
    format === "auto" ? `auto, which stands for ${service} with its URL and content type` : format;
  throw new FieldError(
    "digest_s",
    `requires a format of messages for people (${digestFormats.join(", ")}), and the webhook's is ${found}: set another format, or digest_s to 0.`,
  );
}
