/** The types of the calls between dispatch and a lane. */
import type { Format } from "../send/message/formats";
import type { SentWebhook } from "../send/payload";

/** Which deliveries of a webhook wait for which: all for all, those of a job (or project, or type), none. */
export type Ordering = "strict" | "keyed" | "none";

/** When a delivery is given up. Null: the default. */
export type RetrySettings = { maxAttempts: number | null; maxAgeS: number | null };

/** A webhook as its lane knows it. The secrets travel and rest encrypted (`platform/encryption.ts`). */
export type LaneConfig = {
  webhook: SentWebhook;
  /** Raised by every change in D1: of two configurations the lane keeps the higher one. */
  version: number;
  /** The encrypted settings (`send/webhook-secrets.ts`). Lanes keep them under this name on disk. */
  sealed: string;
  ordering: Ordering;
  retry: RetrySettings;
  /** How long a receiver may take, in seconds; null: Orchest's 5. */
  timeoutS: number | null;
  /** How many attempts may begin per second; null: no limit. */
  rateLimitPerS: number | null;
  /** Absent in what lanes kept before there were formats: `auto`. */
  format?: Format;
  /** For so many seconds deliveries wait for others to share a message with; null or absent (in lanes configured before there were any): none does. */
  digestS?: number | null;
  /** The egress that the webhook names, or `direct`; null or absent (in lanes configured before there were any): the first that fits. */
  egress?: string | null;
};

/** One event on its way into a lane. */
export type HandoverEvent = {
  uuid: string;
  type: string;
  projectUuid: string | null;
  jobUuid: string | null;
  /** The event's source text. */
  body: string;
  /** When the archive first saw this uuid, in ms. */
  firstAcceptedAt: number;
  /**
   * Whether the lane might have it already: the archive knew the uuid, or an earlier call may have arrived.
   * Only then is the lane searched.
   */
  maybeKnown: boolean;
};

/** A version of a webhook's configuration. Its lane reads the rest from D1 where it has an older one. */
type ConfigVersion = { version: number; webhook: { uuid: string } };

/**
 * Events in the order of their acceptance. `config`: they are delivered under this version of the configuration or a
 * later one. `isAcknowledged`: the publishers were told that the events are accepted, so that a lane takes them also
 * while it is disabled.
 */
export type Handover = { config: ConfigVersion; events: HandoverEvent[]; isAcknowledged?: boolean };

/**
 * What a lane answers. `accepted`: every event is on disk, `fresh[i]` says whether the i-th was new to the lane.
 * `late`: new events came so long after their first acceptance that a lane would not find them again: nothing was accepted,
 * and they are to come again as possible repeats (`maybeKnown`). `refused`: the webhook was deleted or is disabled: nothing
 * was accepted and nothing should be.
 */
export type AcceptResult =
  | { outcome: "accepted"; fresh: boolean[] }
  | { outcome: "late" }
  | { outcome: "refused"; because: "deleted" | "disabled" };
