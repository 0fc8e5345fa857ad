/** The types of the calls between dispatch and a lane. */
import type { Format } from "../send/message/formats";
import type { SentWebhook } from "../send/payload";

/**
 * The ordering of a webhook's deliveries. `strict`: one after another. `keyed`: in order per job, else per project,
 * else per event type. `none`: no order.
 */
export type Ordering = "strict" | "keyed" | "none";

/** The limits after which a delivery is given up. Null: the default. */
export type RetrySettings = { maxAttempts: number | null; maxAgeS: number | null };

/** The configuration of a lane. The secrets are encrypted in calls and on disk (`platform/encryption.ts`). */
export type LaneConfig = {
  webhook: SentWebhook;
  /** Raised by every change in D1. The lane keeps the configuration with the highest version. */
  version: number;
  /** The encrypted settings (`SecretSettings`). Lanes store them under this name. */
  sealed: string;
  ordering: Ordering;
  retry: RetrySettings;
  /** How long a receiver may take, in seconds; null: Orchest's 5. */
  timeoutS: number | null;
  /** How many attempts may start per second; null: the default of the webhook's service. */
  rateLimitPerS: number | null;
  /** Absent in configurations stored before there were formats: `auto`. */
  format?: Format;
  /** The digest interval in seconds; null or absent (in lanes configured before there were digests): no digests. */
  digestS?: number | null;
  /**
   * The name of an egress, or `direct`; null or absent (in lanes configured before there were egresses): the first
   * egress that matches.
   */
  egress?: string | null;
};

/** An event to hand over to a lane. */
export type HandoverEvent = {
  uuid: string;
  type: string;
  projectUuid: string | null;
  jobUuid: string | null;
  /** The event's source text. */
  body: string;
  /** When the archive first accepted this uuid, in ms. */
  firstAcceptedAt: number;
  /**
   * Whether the lane may have the event already, because the archive knew the uuid or an earlier call may have been
   * executed. Only then does the lane search for it.
   */
  maybeKnown: boolean;
};

/** A version of a webhook's configuration. A lane with an older one reads the configuration from D1. */
type ConfigVersion = { version: number; webhook: { uuid: string } };

/**
 * Events in the order of their acceptance. `config`: they are delivered with this version of the configuration or a
 * later one. `isAcknowledged`: whether the publishers already know that the events are accepted: a lane then accepts
 * them even while it is disabled.
 */
export type Handover = { config: ConfigVersion; events: HandoverEvent[]; isAcknowledged?: boolean };

/**
 * The result of a hand-over. `accepted`: every event is stored; `fresh[i]` is whether event i was new to the lane.
 * `late`: nothing was accepted, because new events came so late after their first acceptance that the lane would not
 * find them again; the caller must repeat them as possible repeats (`maybeKnown`). `refused`: nothing was accepted,
 * because the webhook was deleted or is disabled, and the call must not be repeated.
 */
export type AcceptResult =
  | { outcome: "accepted"; fresh: boolean[] }
  | { outcome: "late" }
  | { outcome: "refused"; because: "deleted" | "disabled" };
