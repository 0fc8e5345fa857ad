/**
 * The tables in D1. Times are in ms since 1970, UTC. Uuids are lower-case text.
 * `npm run db:generate` makes the migrations in `migrations/` from this file. There are no down migrations.
 */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** The webhooks. A webhook's lane is configured from its row. */
export const webhooks = sqliteTable(
  "webhooks",
  {
    /** In order of creation. Ids are not reused after a deletion, because event shards identify webhooks by them. */
    id: integer("id").primaryKey({ autoIncrement: true }),
    uuid: text("uuid").notNull().unique(),
    name: text("name").notNull(),
    /** Scheme, host and port of the URL: the only part of it that is shown. */
    origin: text("origin").notNull(),
    /** The URL, the secrets, and the values of headers and format options (`SecretSettings`), encrypted by `platform/encryption.ts`. */
    encryptedSettings: text("sealed").notNull(),
    verifySsl: integer("verify_ssl", { mode: "boolean" }).notNull(),
    contentType: text("content_type", {
      enum: ["application/json", "application/x-www-form-urlencoded"],
    }).notNull(),
    ordering: text("ordering", { enum: ["strict", "keyed", "none"] })
      .notNull()
      .default("strict"),
    /** Null: the default of `lane/retry-policy.ts`, as for `retryMaxAgeS`. */
    retryMaxAttempts: integer("retry_max_attempts"),
    retryMaxAgeS: integer("retry_max_age_s"),
    /** The timeout of an attempt, in seconds. Null: 5, as in Orchest. */
    timeoutS: integer("timeout_s"),
    /** The rate limit: how many attempts may start per second. Null: no limit. */
    rateLimitPerS: real("rate_limit_per_s"),
    /** The egress that its deliveries go through, or `direct`. Null: the first egress that matches the target. */
    egress: text("egress"),
    /**
     * The format of the request's body (`send/message/formats.ts`). `auto`: the format of the service that the URL
     * belongs to.
     */
    format: text("format", {
      enum: [
        "auto",
        "orchest",
        "slack",
        "discord",
        "teams",
        "google_chat",
        "mattermost",
        "telegram",
        "ntfy",
        "pagerduty",
        "opsgenie",
        "cloudevents",
        "template",
      ],
    })
      .notNull()
      .default("auto"),
    /** The names of the format options, as a JSON array. Their values are in `encryptedSettings`. */
    formatOptionNames: text("format_option_names", { mode: "json" }).$type<string[]>().notNull().default([]),
    /**
     * The digest interval: deliveries of so many seconds are sent as one message. Null: each is a message of its own.
     */
    digestS: integer("digest_s"),
    /** The names of the custom headers, as a JSON array. Their values are in `encryptedSettings`. */
    headerNames: text("header_names", { mode: "json" }).$type<string[]>().notNull().default([]),
    /**
     * When the previous secret stops signing. Null: there is no previous secret. The secret is in `encryptedSettings`.
     */
    previousSecretUntil: integer("previous_secret_until"),
    /** A copy of the lane's state. The lane owns it and updates this column. */
    state: text("state", { enum: ["active", "paused", "disabled"] })
      .notNull()
      .default("active"),
    disabledReason: text("disabled_reason"),
    /** A copy of the lane's number of dead letters, updated by the lane. */
    deadLetters: integer("dead_letters").notNull().default(0),
    /** Whether the lane may hold deliveries, copied here by the lane. Cron calls only lanes that may. */
    inUse: integer("in_use", { mode: "boolean" }).notNull().default(true),
    /** Raised by every change. A lane keeps the configuration with the highest version. */
    version: integer("version").notNull().default(1),
    /** When the deletion started. The row is removed once the lane is closed. */
    deletedAt: integer("deleted_at"),
    createdAt: integer("created_at").notNull(),
    /**
     * The routing version of the latest change that affects matching: a change of the webhook's existence, version,
     * `waits` or subscriptions. Set by triggers only, and different for each webhook. `RETURNING` gives the previous
     * value.
     */
    routingVersion: integer("routing_version").notNull().default(0),
    /** Whether events wait for its lane in `handovers`. New events are then added there, too, to keep their order. */
    waits: integer("waits", { mode: "boolean" }).notNull().default(false),
  },
  (table) => [
    // Cron searches for secrets whose grace period is over.
    index("webhooks_previous_secret")
      .on(table.previousSecretUntil)
      .where(sql`previous_secret_until IS NOT NULL`),
    // Event shards pull the rows above the version that they have.
    index("webhooks_routing").on(table.routingVersion),
    // Cron looks for webhooks with events in `handovers`.
    index("webhooks_waits")
      .on(table.id)
      .where(sql`waits = 1`),
  ],
);

/**
 * The routing version: one row. Triggers (in the migration that creates this table) raise it with every change that
 * affects matching, and set it in the changed rows. As triggers do it, no statement can omit it.
 */
export const routing = sqliteTable("routing", {
  id: integer("id").primaryKey(),
  version: integer("version").notNull(),
  /** How many event shards there are. 0 until the first shard is created, which stores `EVENT_SHARDS` here. */
  shards: integer("shards").notNull().default(0),
  /** How many there will be, from the beginning of a growth to its end; null: they do not grow. Changes are announced to all of them. */
  shardsNext: integer("shards_next"),
});

/**
 * The deleted webhooks, by the routing version of their deletion. A trigger inserts the rows. They are never removed: a shard
 * that pulls late would go on matching the webhook. A row takes some 10 bytes.
 */
export const routingRemoved = sqliteTable("routing_removed", {
  /** The id of the webhook, which no other webhook gets. */
  webhookId: integer("webhook_id").notNull(),
  version: integer("version").primaryKey(),
});

/**
 * The outcomes of routing changes that were announced to the event shards. A change inserts its row in the same batch
 * as it commits. A shard that finds an announced change without a row inserts one with `is_committed` 0: a commit that
 * arrives later then fails. Rows are kept for a week.
 */
export const routingChanges = sqliteTable(
  "routing_changes",
  {
    /** The uuid that the change was announced under. */
    id: text("id").primaryKey(),
    /** In ms, by the clock of the writer. */
    at: integer("at").notNull(),
    isCommitted: integer("is_committed", { mode: "boolean" }).notNull(),
  },
  (table) => [index("routing_changes_at").on(table.at)],
);

/**
 * The subscriptions of webhooks. An empty `project_uuid` or `job_uuid` means "any". It is not NULL, because NULLs are
 * distinct in a unique index and do not match `=`.
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
    /** A repeated event goes only to subscriptions that existed when it was first accepted. */
    createdAt: integer("created_at").notNull(),
    /** The routing version of its creation. Set by a trigger; `RETURNING` gives 0. */
    routingVersion: integer("routing_version").notNull().default(0),
  },
  (table) => [
    // Matching finds webhooks by (type, project, job).
    uniqueIndex("subscriptions_match").on(table.eventType, table.projectUuid, table.jobUuid, table.webhookId),
    // Finds the subscriptions of a webhook.
    index("subscriptions_webhook").on(table.webhookId),
  ],
);

/**
 * The event types that can be subscribed to, inserted by migrations. A test checks that `events/types.ts` lists the
 * same.
 */
export const eventTypes = sqliteTable("event_types", {
  id: integer("id").primaryKey(),
  name: text("name").notNull().unique(),
});

/**
 * A slot of the archive in D1 (see `events/old-archive/slots.ts`): every event as it was first accepted. One row has
 * the events of one request. The migration also creates the view `events` (one row per event) and the view
 * `archive_requests`, whose trigger inserts into the current slot; it makes `archive_uuids_*` `WITHOUT ROWID`.
 */
const archiveSlotTable = (slot: number) =>
  sqliteTable(`archive_${slot}`, {
    /** The id of its first event. Ids of events rise by one in order of acceptance. */
    id: integer("id").primaryKey(),
    /** The id of its last event. */
    last: integer("last").notNull(),
    acceptedAt: integer("accepted_at").notNull(),
    /**
     * A JSON array with [uuid, type, project, job, timestamp, body, publisher] of each event. `body` is its source
     * text. Rows written before publishers were recorded have no seventh element.
     */
    events: text("events").notNull(),
  });

/** The index of a slot: finds an event by its uuid. */
const archiveUuidTable = (slot: number) =>
  sqliteTable(`archive_uuids_${slot}`, {
    uuid: text("uuid").primaryKey(),
    /** The id of the event's row in `archive_*`, and the event's index in that row, from 0. */
    request: integer("request").notNull(),
    place: integer("place").notNull(),
  });

/** The four slots of the archive. */
export const archive0 = archiveSlotTable(0);
export const archive1 = archiveSlotTable(1);
export const archive2 = archiveSlotTable(2);
export const archive3 = archiveSlotTable(3);
/** The indexes of the four slots. */
export const archiveUuids0 = archiveUuidTable(0);
export const archiveUuids1 = archiveUuidTable(1);
export const archiveUuids2 = archiveUuidTable(2);
export const archiveUuids3 = archiveUuidTable(3);

/** The slot that new events go to: one row, updated by cron. */
export const archiveSlot = sqliteTable("archive_slot", {
  id: integer("id").primaryKey(),
  slot: integer("slot").notNull(),
  /** The id of the last event before the slot's first one. */
  base: integer("base").notNull(),
});

/** The size of the current slot: one row, updated incrementally by cron. */
export const archiveSize = sqliteTable("archive_size", {
  id: integer("id").primaryKey(),
  /** The id of the last row of the slot that is counted. */
  countedTo: integer("counted_to").notNull(),
  bytes: integer("bytes").notNull(),
  /** The archive has every event accepted since this time, in ms. 0 until something is pruned. */
  completeSince: integer("whole_from").notNull().default(0),
});

/**
 * Accepted events that at least one lane has not accepted yet. A trigger (in migration 0019) removes an event with the
 * last of its `handovers`, also when those are deleted with their webhook or by hand.
 */
export const waitingEvents = sqliteTable("waiting_events", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  uuid: text("uuid").notNull().unique(),
  type: text("type").notNull(),
  projectUuid: text("project_uuid"),
  jobUuid: text("job_uuid"),
  /** When its shard first accepted it, in ms. */
  firstAcceptedAt: integer("first_accepted_at").notNull(),
  /** The event's source text. */
  body: text("body").notNull(),
});

/**
 * The pending hand-overs: which webhook's lane lacks which of `waiting_events`. A webhook's rows are handed over in the
 * order of their ids. Ids are not reused, so that deleting the rows that were handed over cannot delete later ones.
 */
export const handovers = sqliteTable(
  "handovers",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    webhookId: integer("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    /**
     * The id of its row in `waiting_events`. Not a foreign key: a row whose event is missing is set aside and reported
     * by `/health`.
     */
    eventId: integer("event_id").notNull(),
    /**
     * Why the row can never be handed over; the rows behind it are handed over without it. Null: it can be handed over.
     */
    setAside: text("set_aside"),
  },
  (table) => [
    // A repeated publish adds no row.
    uniqueIndex("handovers_webhook_event").on(table.webhookId, table.eventId),
    // Handing over reads a webhook's rows in order, and none that were set aside.
    index("handovers_webhook")
      .on(table.webhookId, table.id)
      .where(sql`set_aside IS NULL`),
    // Finds whether an event has rows left.
    index("handovers_event").on(table.eventId),
    // `/health` counts the rows that are set aside.
    index("handovers_set_aside")
      .on(table.id)
      .where(sql`set_aside IS NOT NULL`),
  ],
);

/**
 * The projects and jobs of all events so far, with their latest names, for forms and lists. Event shards write a row
 * when a name is new or changed.
 */
export const knownNames = sqliteTable(
  "known_names",
  {
    projectUuid: text("project_uuid").notNull(),
    /** Empty for the project itself. */
    jobUuid: text("job_uuid").notNull(),
    /** Null when no event contained a name. */
    name: text("name"),
    /** When an event last contained another name, in ms. */
    changedAt: integer("changed_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.projectUuid, table.jobUuid] }),
    // Forms list the latest first.
    index("known_names_changed").on(table.changedAt),
  ],
);

/** Changes of the switch for failed job runs within the last hour. They can be undone. */
export const jobFailureSwitches = sqliteTable("job_failure_switches", {
  id: integer("id").primaryKey(),
  uuid: text("uuid").notNull().unique(),
  at: integer("at").notNull(),
  isOn: integer("is_on", { mode: "boolean" }).notNull(),
  /** How many webhooks it changed. */
  webhooks: integer("webhooks").notNull(),
});

/** The subscriptions that a change of the switch added or removed. They are not limited to a project or job. */
export const jobFailureChanges = sqliteTable(
  "job_failure_changes",
  {
    id: integer("id").primaryKey(),
    switchId: integer("switch_id")
      .notNull()
      .references(() => jobFailureSwitches.id, { onDelete: "cascade" }),
    /** Not a foreign key: the webhook may have been deleted since, and an undo reports that. */
    webhookId: integer("webhook_id").notNull(),
    uuid: text("uuid").notNull(),
    eventType: text("event_type").notNull(),
    createdAt: integer("created_at").notNull(),
    /** The id of a subscription that was removed. Null: it was added. */
    subscriptionId: integer("subscription_id"),
  },
  (table) => [index("job_failure_changes_switch").on(table.switchId)],
);

/** Settings that must not change after the first start, by name: `jurisdiction`. */
export const deployment = sqliteTable("deployment", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
});

/** The size of `rejected`: one row, updated by triggers (in the migration that creates this table). */
export const rejectedSize = sqliteTable("rejected_size", {
  id: integer("id").primaryKey(),
  bytes: integer("bytes").notNull(),
});

/** Queue messages that were rejected, with the reason. They are kept for a time and up to a size, or until they are redriven. */
export const rejected = sqliteTable("rejected", {
  id: integer("id").primaryKey(),
  messageId: text("message_id").notNull(),
  reason: text("reason").notNull(),
  /** The message's text; for a structured body, its JSON. */
  body: text("body").notNull(),
  /**
   * Whether `body` is exactly the message. False when it was cut or was not valid UTF-8: such a message cannot be
   * redriven.
   */
  isExact: integer("is_exact", { mode: "boolean" }).notNull().default(true),
  receivedAt: integer("received_at").notNull(),
});

/** Why the latest attempt at a queue message failed. Messages in the dead-letter queue have no reason of their own. */
export const queueFailures = sqliteTable("queue_failures", {
  /** The SHA-256 of the message's text, in hex. A message's id may change on its way to the dead-letter queue. */
  key: text("key").primaryKey(),
  reason: text("reason").notNull(),
  failedAt: integer("failed_at").notNull(),
});

/** API tokens other than those in `API_TOKENS`, as hashes. Revoked tokens stay, for the list and the audit log. */
export const tokens = sqliteTable("tokens", {
  id: integer("id").primaryKey(),
  uuid: text("uuid").notNull().unique(),
  name: text("name").notNull(),
  /** The first 16 hex digits of the token's SHA-256, by which it is found, and all of them; see `auth/token.ts`. */
  hashPrefix: text("hash_start").notNull().unique(),
  hash: text("hash").notNull(),
  scopes: text("scopes", { mode: "json" }).$type<string[]>().notNull(),
  createdAt: integer("created_at").notNull(),
  /** Null: never. */
  expiresAt: integer("expires_at"),
  /** Exact to an hour, so that not every use writes a row. */
  lastUsedAt: integer("last_used_at"),
  revokedAt: integer("revoked_at"),
});

/** The audit log: who did what, when and from which address. It contains no secrets. */
export const auditEntries = sqliteTable(
  "audit_entries",
  {
    id: integer("id").primaryKey(),
    at: integer("at").notNull(),
    /** The caller's id and its name at that time (see `auth/caller.ts`); `unknown` when nobody was authenticated. */
    actor: text("actor").notNull(),
    actorName: text("actor_name").notNull(),
    action: text("action").notNull(),
    /** The uuid of the webhook, token or event, or the id of the rejected message. */
    target: text("target"),
    /** Details: the uuid of a delivery, the id of a replay, the names of changed fields, an origin. */
    detail: text("detail"),
    /** The client's IP address, as Cloudflare saw it. */
    address: text("address"),
    /** How often it happened: equal refusals within one minute share a row. */
    count: integer("count").notNull().default(1),
    /** For refusals: the minute (`2026-11-05T12:00`), action, actor and address that share the row. Else NULL. */
    refusalKey: text("refusal_key"),
  },
  (table) => [
    uniqueIndex("audit_entries_refusals")
      .on(table.refusalKey)
      .where(sql`refusal_key IS NOT NULL`),
  ],
);
