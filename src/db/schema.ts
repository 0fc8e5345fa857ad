/**
 * The tables in D1. Times are milliseconds since 1970 in UTC; uuids are lower-case text.
 * Migrations in `migrations/` are made from this file by `npm run db:generate`; they only go forward.
 */
import { sql } from "drizzle-orm";
import { index, integer, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** The webhooks: who is told. A row is what their lane is configured with. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    /** Order of creation. Never used again after a deletion: pages of a wide hand-over go by it. */
    id: integer("id").primaryKey({ autoIncrement: true }),
    uuid: text("uuid").notNull().unique(),
    name: text("name").notNull(),
    /** Scheme, host and port of the URL: all of it that is ever shown. */
    origin: text("origin").notNull(),
    /** The URL and the secret (`SecretSettings`), encrypted with the webhook's uuid as associated data; see `platform/encryption.ts`. */
    encryptedSettings: text("sealed").notNull(),
    verifySsl: integer("verify_ssl", { mode: "boolean" }).notNull(),
    contentType: text("content_type", {
      enum: ["application/json", "application/x-www-form-urlencoded"],
    }).notNull(),
    ordering: text("ordering", { enum: ["strict", "keyed", "none"] })
      .notNull()
      .default("strict"),
    /** Null: the default of `delivery/retry-policy.ts`. */
    retryMaxAttempts: integer("retry_max_attempts"),
    retryMaxAgeS: integer("retry_max_age_s"),
    /** How long a receiver may take, in seconds. Null: Orchest's 5. */
    timeoutS: integer("timeout_s"),
    /** How many attempts may begin per second. Null: as many as the order allows. */
    rateLimitPerS: real("rate_limit_per_s"),
    /** The names of the custom headers, as a JSON list; their values are sealed. */
    headerNames: text("header_names", { mode: "json" }).$type<string[]>().notNull().default([]),
    /** Until when the secret before this one signs too; it is sealed as well. */
    previousSecretUntil: integer("previous_secret_until"),
    /** The lane's state, copied here by the lane: it alone decides. */
    state: text("state", { enum: ["active", "paused", "disabled"] })
      .notNull()
      .default("active"),
    disabledReason: text("disabled_reason"),
    /** How many dead letters the lane keeps, copied here by the lane. */
    deadLetters: integer("dead_letters").notNull().default(0),
    /** Raised by every change, so that a lane never goes back to an older configuration. */
    version: integer("version").notNull().default(1),
    /** Set while the webhook is being deleted: its lane is closed before the row goes. */
    deletedAt: integer("deleted_at"),
    createdAt: integer("created_at").notNull(),
  },
  // Cron looks for secrets whose grace period is over.
  (table) => [
    index("webhooks_previous_secret")
      .on(table.previousSecretUntil)
      .where(sql`previous_secret_until IS NOT NULL`),
  ],
);

/**
 * What the webhooks hear. An empty `project_uuid` or `job_uuid` means "not limited": the empty text, unlike
 * NULL, can be looked up in an index and be unique.
 */
export const subscriptions = sqliteTable(
  "subscriptions",
  {
    id: integer("id").primaryKey(),
    uuid: text("uuid").notNull(),
    webhookId: integer("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    eventType: text("event_type").notNull(),
    projectUuid: text("project_uuid").notNull().default(""),
    jobUuid: text("job_uuid").notNull().default(""),
    /** A repeated event goes only to subscriptions that stood when it was first accepted. */
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    // Matching: from (type, project, job) to webhooks.
    uniqueIndex("subscriptions_match").on(table.eventType, table.projectUuid, table.jobUuid, table.webhookId),
    // A webhook's own subscriptions.
    index("subscriptions_webhook").on(table.webhookId),
  ],
);

/** What can be subscribed to, filled by migrations. The list in `events/types.ts` is the same (a test holds them together). */
export const eventTypes = sqliteTable("event_types", {
  id: integer("id").primaryKey(),
  name: text("name").notNull().unique(),
});

/**
 * The archive: every event as it was first accepted, as `archive-slots.ts` tells. One row holds what one request
 * brought; a slot is emptied as a whole. The migration adds the view `events` (a row per event), the view
 * `archive_requests` with the trigger that fills the current slot, and `WITHOUT ROWID`.
 */
const archiveSlotTable = (slot: number) =>
  sqliteTable(`archive_${slot}`, {
    /** The id of its first event; ids rise in order of acceptance, by one for each event. */
    id: integer("id").primaryKey(),
    /** The id of its last event. */
    last: integer("last").notNull(),
    acceptedAt: integer("accepted_at").notNull(),
    /**
     * JSON: of each event [uuid, type, project, job, timestamp, body, publisher], the body being its source text. Those
     * from before publishers were kept have no seventh element.
     */
    events: text("events").notNull(),
  });

/** Where an event of a slot is, by its uuid. */
const archiveUuidTable = (slot: number) =>
  sqliteTable(`archive_uuids_${slot}`, {
    uuid: text("uuid").primaryKey(),
    /** The row's id, and the event's place in it. */
    request: integer("request").notNull(),
    place: integer("place").notNull(),
  });

export const archive0 = archiveSlotTable(0);
export const archive1 = archiveSlotTable(1);
export const archive2 = archiveSlotTable(2);
export const archive3 = archiveSlotTable(3);
export const archiveUuids0 = archiveUuidTable(0);
export const archiveUuids1 = archiveUuidTable(1);
export const archiveUuids2 = archiveUuidTable(2);
export const archiveUuids3 = archiveUuidTable(3);

/** Which slot is being filled: one row, changed by cron. */
export const archiveSlot = sqliteTable("archive_slot", {
  id: integer("id").primaryKey(),
  slot: integer("slot").notNull(),
  /** The id of the last event before this slot's first. */
  base: integer("base").notNull(),
});

/** How much the archive's current slot holds: one row, kept up by cron, so that nobody has to add it up. */
export const archiveSize = sqliteTable("archive_size", {
  id: integer("id").primaryKey(),
  /** The last event that is counted. */
  countedTo: integer("counted_to").notNull(),
  bytes: integer("bytes").notNull(),
  /** The archive is whole from this time on, in ms; 0 while nothing was pruned. */
  wholeFrom: integer("whole_from").notNull().default(0),
});

/**
 * Accepted events that a lane has yet to take, in order. One row is one event for one webhook or, without
 * a webhook, one event for all that match it (more than fit one hand-over), from the webhook after `cursor` on.
 */
export const handovers = sqliteTable(
  "handovers",
  {
    id: integer("id").primaryKey(),
    webhookId: integer("webhook_id").references(() => webhooks.id, { onDelete: "cascade" }),
    eventId: integer("event_id").notNull(),
    cursor: integer("cursor").notNull().default(0),
  },
  // Dispatch asks for each webhook that it found whether rows wait; the hand-over reads them in order.
  (table) => [index("handovers_webhook").on(table.webhookId, table.id)],
);

/** Turns of the switch for failed job runs within the last hour: they can be undone. */
export const jobFailureSwitches = sqliteTable("job_failure_switches", {
  id: integer("id").primaryKey(),
  uuid: text("uuid").notNull().unique(),
  at: integer("at").notNull(),
  isOn: integer("is_on", { mode: "boolean" }).notNull(),
  /** How many it changed. */
  webhooks: integer("webhooks").notNull(),
});

/** What such a turn added or removed: unlimited subscriptions, as they were. */
export const jobFailureChanges = sqliteTable(
  "job_failure_changes",
  {
    id: integer("id").primaryKey(),
    switchId: integer("switch_id")
      .notNull()
      .references(() => jobFailureSwitches.id, { onDelete: "cascade" }),
    /** It may be gone since: an undo says so. */
    webhookId: integer("webhook_id").notNull(),
    uuid: text("uuid").notNull(),
    eventType: text("event_type").notNull(),
    createdAt: integer("created_at").notNull(),
    /** The id of one that was removed; null: it was added. */
    subscriptionId: integer("subscription_id"),
  },
  (table) => [index("job_failure_changes_switch").on(table.switchId)],
);

/** Queue messages that could not be used: kept as they came, with the reason, until someone looks. */
export const rejected = sqliteTable("rejected", {
  id: integer("id").primaryKey(),
  messageId: text("message_id").notNull(),
  reason: text("reason").notNull(),
  /** The message's text; a structured body as JSON. */
  body: text("body").notNull(),
  /** Whether the text is what came: else it was no UTF-8, say, and cannot be used again. */
  isExact: integer("is_exact", { mode: "boolean" }).notNull().default(true),
  receivedAt: integer("received_at").notNull(),
});

/** Why the latest try of a queue message failed, for the dead-letter queue, which brings no reason along. */
export const queueFailures = sqliteTable("queue_failures", {
  /** The SHA-256 of the message's text, in hex: its id may be another one in the dead-letter queue. */
  key: text("key").primaryKey(),
  reason: text("reason").notNull(),
  failedAt: integer("failed_at").notNull(),
});

/** API tokens, beside those of the setting `API_TOKENS`: never the tokens themselves. Revoked ones stay, to be told from unknown ones. */
export const tokens = sqliteTable("tokens", {
  id: integer("id").primaryKey(),
  uuid: text("uuid").notNull().unique(),
  name: text("name").notNull(),
  /** The token's SHA-256 in hex, and its first 16 digits, by which it is looked up; see `auth/token.ts`. */
  hashPrefix: text("hash_start").notNull().unique(),
  hash: text("hash").notNull(),
  scopes: text("scopes", { mode: "json" }).$type<string[]>().notNull(),
  createdAt: integer("created_at").notNull(),
  /** Null: never. */
  expiresAt: integer("expires_at"),
  /** Exact to an hour: a use is not worth a row each. */
  lastUsedAt: integer("last_used_at"),
  revokedAt: integer("revoked_at"),
});

/** Who did what, when and from where. Nothing in it is a secret. */
export const auditEntries = sqliteTable(
  "audit_entries",
  {
    id: integer("id").primaryKey(),
    at: integer("at").notNull(),
    /** The caller's id and, as it was then, its name (see `auth/caller.ts`); `unknown` where nobody was recognised. */
    actor: text("actor").notNull(),
    actorName: text("actor_name").notNull(),
    action: text("action").notNull(),
    /** The uuid of the webhook, token or event, or the id of the rejected message. */
    target: text("target"),
    /** What of it: the uuid of a delivery, the id of a replay, the names of changed fields, an origin. */
    detail: text("detail"),
    /** The client's address. */
    address: text("address"),
    /** How often: refusals of one minute share a row. */
    count: integer("count").notNull().default(1),
    /** Of refusals only: the minute (`2026-11-05T12:00`) and, behind it, what else the row is about. */
    refusalKey: text("refusal_key"),
  },
  (table) => [
    uniqueIndex("audit_entries_refusals")
      .on(table.refusalKey)
      .where(sql`refusal_key IS NOT NULL`),
  ],
);
