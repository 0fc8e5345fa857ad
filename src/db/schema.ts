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
    /** In order of creation. Ids are not reused after a deletion: event shards know webhooks by them. */
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
    /** The egress that its deliveries go through, or `direct`. Null: the first one that fits. */
    egress: text("egress"),
    /** What receivers get (`send/message/formats.ts`). `auto`: what the service behind the URL shows. */
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
    /** How many seconds of deliveries become one message. Null: each is its own. */
    digestS: integer("digest_s"),
    /** The names of the custom headers, as a JSON array. Their values are in `encryptedSettings`. */
    headerNames: text("header_names", { mode: "json" }).$type<string[]>().notNull().default([]),
    /** When the previous secret stops signing. Null: there is none. The secret is in `encryptedSettings`. */
    previousSecretUntil: integer("previous_secret_until"),
    /** A copy of the lane's state. The lane owns it and updates this column. */
    state: text("state", { enum: ["active", "paused", "disabled"] })
      .notNull()
      .default("active"),
    disabledReason: text("disabled_reason"),
    /** A copy of the lane's number of dead letters, updated by the lane. */
    deadLetters: integer("dead_letters").notNull().default(0),
    /** Whether the lane may hold deliveries, copied here by the lane: cron calls only those. */
    inUse: integer("in_use", { mode: "boolean" }).notNull().default(true),
    /** Raised by every change. A lane keeps the configuration with the highest version. */
    version: integer("version").notNull().default(1),
    /** When the deletion started. The row is removed once the lane is closed. */
    deletedAt: integer("deleted_at"),
    createdAt: integer("created_at").notNull(),
    /**
     * The routing version of the latest change that matching must know of: of the webhook's existence, version,
     * `waits` or subscriptions. Stamped by triggers only, different for each webhook; `RETURNING` gives the one before.
     */
    routingVersion: integer("routing_version").notNull().default(0),
    /** Whether events wait for its lane in `handovers`, so that new ones go there, too. */
    waits: integer("waits", { mode: "boolean" }).notNull().default(false),
  },
  (table) => [
    // Cron searches for secrets whose grace period is over.
    index("webhooks_previous_secret")
      .on(table.previousSecretUntil)
      .where(sql`previous_secret_until IS NOT NULL`),
    // Event shards pull what is above the version that they have.
    index("webhooks_routing").on(table.routingVersion),
    // Cron looks for webhooks with events in `handovers`.
    index("webhooks_waits")
      .on(table.id)
      .where(sql`waits = 1`),
  ],
);

/**
 * How often routing changed: one row. Triggers (in the migration that makes this table) raise it with every change of
 * what matching needs, and stamp the rows that changed with it, so that no statement can forget to.
 */
export const routing = sqliteTable("routing", {
  id: integer("id").primaryKey(),
  version: integer("version").notNull(),
  /** How many event shards there are. 0 until the first one is made, which writes `EVENT_SHARDS` here. */
  shards: integer("shards").notNull().default(0),
});

/** The webhooks that were deleted, by the routing version of that. Filled by a trigger. */
export const routingRemoved = sqliteTable("routing_removed", {
  /** Webhooks' ids are never used again. */
  webhookId: integer("webhook_id").notNull(),
  version: integer("version").primaryKey(),
});

/**
 * What became of changes of routing that were announced to the event shards. A commit writes its own row in the same
 * batch as the change. Who finds an announcement without one writes `is_committed` 0 in its place: from then on the commit
 * fails, however late it arrives. Rows are kept for a week.
 */
export const routingChanges = sqliteTable(
  "routing_changes",
  {
    /** The uuid that the change was announced under. */
    id: text("id").primaryKey(),
    /** In ms, by the clock of whoever wrote the row. */
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
    /** The routing version under which it was made. Stamped by a trigger; `RETURNING` gives 0. */
    routingVersion: integer("routing_version").notNull().default(0),
  },
  (table) => [
    // Matching finds webhooks by (type, project, job).
    uniqueIndex("subscriptions_match").on(table.eventType, table.projectUuid, table.jobUuid, table.webhookId),
    // Finds the subscriptions of a webhook.
    index("subscriptions_webhook").on(table.webhookId),
  ],
);

/** The event types that can be subscribed to, inserted by migrations. A test checks that `events/types.ts` has the same. */
export const eventTypes = sqliteTable("event_types", {
  id: integer("id").primaryKey(),
  name: text("name").notNull().unique(),
});

/**
 * A slot of the archive (see `events/archive-slots.ts`): every event as it was first accepted. One row has the events of
 * one request. The migration also creates the view `events` (one row per event) and the view `archive_requests`, whose
 * trigger inserts into the current slot; it makes `archive_uuids_*` `WITHOUT ROWID`.
 */
const archiveSlotTable = (slot: number) =>
  sqliteTable(`archive_${slot}`, {
    /** The id of its first event. Ids of events rise by one in order of acceptance. */
    id: integer("id").primaryKey(),
    /** The id of its last event. */
    last: integer("last").notNull(),
    acceptedAt: integer("accepted_at").notNull(),
    /**
     * A JSON array with [uuid, type, project, job, timestamp, body, publisher] of each event. `body` is its source text.
     * Rows from before publishers were recorded have no seventh element.
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

/** Accepted events that at least one lane has not taken yet. They are removed with the last of their `handovers`. */
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
 * Which webhooks' lanes lack which of `waiting_events`. A webhook's rows are handed over in the order of their ids, which
 * are not used again, so that removing what was handed over cannot hit what came later.
 */
export const handovers = sqliteTable(
  "handovers",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    webhookId: integer("webhook_id")
      .notNull()
      .references(() => webhooks.id, { onDelete: "cascade" }),
    /** The id of its row in `waiting_events`. Not a foreign key: a row without its event is set aside, and told of. */
    eventId: integer("event_id").notNull(),
    /** Why the row can never be handed over, so that the rows behind it go on. Null: it can. */
    setAside: text("set_aside"),
  },
  (table) => [
    // A repeat of a publish adds nothing.
    uniqueIndex("handovers_webhook_event").on(table.webhookId, table.eventId),
    // The hand-over reads a webhook's rows in order.
    index("handovers_webhook").on(table.webhookId, table.id),
    // An event goes with the last of its rows.
    index("handovers_event").on(table.eventId),
    // Health says whether there are any.
    index("handovers_set_aside")
      .on(table.id)
      .where(sql`set_aside IS NOT NULL`),
  ],
);

/**
 * The projects and jobs that events were ever about, with their latest names, for forms and lists. Event shards write a row
 * when a name is new or changed.
 */
export const knownNames = sqliteTable(
  "known_names",
  {
    projectUuid: text("project_uuid").notNull(),
    /** Empty for the project itself. */
    jobUuid: text("job_uuid").notNull(),
    /** Null when no event told it. */
    name: text("name"),
    /** When an event last told another name, in ms. */
    changedAt: integer("changed_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.projectUuid, table.jobUuid] }),
    // Forms show the latest.
    index("known_names_changed").on(table.changedAt),
  ],
);

/** Changes of the switch for failed job runs within the last hour, which can be undone. */
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

/** What may not change after the first start, by name: `jurisdiction`. */
export const deployment = sqliteTable("deployment", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
});

/** How much `rejected` holds: one row, kept up by triggers of the migration. */
export const rejectedSize = sqliteTable("rejected_size", {
  id: integer("id").primaryKey(),
  bytes: integer("bytes").notNull(),
});

/** Queue messages that were rejected, with the reason. They are kept for a time and up to a size, or until they are redriven. */
export const rejected = sqliteTable("rejected", {
  id: integer("id").primaryKey(),
  messageId: text("message_id").notNull(),
  reason: text("reason").notNull(),
  /** The message's text; for a structured body its JSON. */
  body: text("body").notNull(),
  /** Whether `body` is exactly the message. False when it was cut or was not valid UTF-8: it cannot be redriven then. */
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
    /** How often it happened: refusals of one minute share a row. */
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
