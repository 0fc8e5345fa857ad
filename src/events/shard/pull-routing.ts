/** Reading from D1 what an event shard's replica of routing lacks: a page of webhooks with all their subscriptions. */
import { oldArchiveExists } from "../old-archive/slots";
import type { RoutedWebhook } from "./types";

/** A subscription of the replica; an empty project or job means "not limited". */
type RoutedSubscription = {
  eventType: string;
  projectUuid: string;
  jobUuid: string;
  /** The routing version under which it was made. */
  sinceVersion: number;
};

/** A webhook that changed, with its whole set of subscriptions; or one that is not to be matched any more. */
export type RoutingChange =
  | { kind: "changed"; webhook: RoutedWebhook; subscriptions: RoutedSubscription[] }
  | { kind: "removed"; webhookId: number };

/** What D1 held at one moment. */
export type RoutingPage = {
  /** In the order of their versions. */
  changes: RoutingChange[];
  /** Up to which version they go. The next page begins above it. */
  version: number;
  /** False: the replica is as D1 was. */
  hasMore: boolean;
  /** Of the announced changes asked for, those that D1 has committed, or that never will be. */
  settled: string[];
  /** The id of the latest committed change; null: none is known. */
  lastChange: string | null;
  /** False: D1 does not know the change that the replica saw last, since it was restored from a backup. */
  isSameDatabase: boolean;
  /** How many event shards there are. */
  shards: number;
  /** How many there will be, when they are just growing. */
  shardsNext: number | null;
  /** Whether D1 has events of the time before there were shards. */
  hasOldArchive: boolean;
  /** Since when (ms) it has every event that was accepted then. */
  oldKnownSince: number;
};

/** At most this many webhooks in a page. */
const webhooksMax = 200;
/** At most this many webhooks and subscriptions in a page, of about 200 bytes each; a webhook's own are not split. */
const rowsMax = 5000;

/**
 * Each webhook is stamped with the version of its latest change only: one that changes while pages are read comes again
 * in a later one. Subscriptions are read only of webhooks that are in the page.
 */
const changesAbove = `
  SELECT c.at, c.id, c.found, w.uuid, w.version, w.waits,
    (SELECT json_group_array(json_array(s.event_type, s.project_uuid, s.job_uuid, s.routing_version))
     FROM subscriptions s WHERE s.webhook_id = w.id) AS subscriptions
  FROM (
    SELECT a.at, a.id, count(*) OVER () AS found, row_number() OVER by_version AS place,
      sum(1 + (SELECT count(*) FROM subscriptions s WHERE s.webhook_id = a.id)) OVER by_version AS size
    FROM (
      SELECT routing_version AS at, id FROM webhooks WHERE routing_version > ?1
      UNION ALL SELECT version, webhook_id FROM routing_removed WHERE version > ?1
      ORDER BY 1 LIMIT ${webhooksMax}
    ) a WINDOW by_version AS (ORDER BY a.at)
  ) c LEFT JOIN webhooks w ON w.id = c.id AND w.deleted_at IS NULL
  WHERE c.size <= ${rowsMax} OR c.place = 1 ORDER BY c.at`;

/** What of the replica a page depends on. */
type PulledFrom = {
  above: number;
  lastChange: string | null;
  announced: readonly string[];
  shards: number;
};

type CurrentRow = {
  version: number;
  shards: number;
  shards_next: number | null;
  has_old_archive: number;
  old_known_since: number;
  last_change: string | null;
  is_same: number;
};

type ChangeRow = {
  at: number;
  id: number;
  /** How many webhooks changed, up to `webhooksMax`. */
  found: number;
  /** Null: it is deleted, or is being deleted. */
  uuid: string | null;
  version: number | null;
  waits: number | null;
  /** JSON: `[event type, project, job, since version]` of each. */
  subscriptions: string;
};

/**
 * Writes only in a new deployment: a D1 that takes no writes must not keep shards from reading.
 * @param from.above the version that the replica has; 0: nothing yet. `lastChange`: the change that it saw last.
 *   `announced`: ids of changes to ask about. `shards`: how many shards there are to be: it counts where D1 does not say.
 * @throws when D1 cannot be read.
 */
export async function readRoutingPage(db: D1Database, from: PulledFrom): Promise<RoutingPage> {
  const page = await readPage(db, from);
  if (page.shards > 0) return page;
  // The first shard that is created decides.
  await db.prepare("UPDATE routing SET shards = ? WHERE shards = 0").bind(from.shards).run();
  return readPage(db, from);
}

async function readPage(db: D1Database, { above, lastChange, announced }: PulledFrom): Promise<RoutingPage> {
  const [current, changed, settled] = await db.batch<Record<string, unknown>>([
    db
      .prepare(`SELECT version, shards, shards_next, ${oldArchiveExists} AS has_old_archive,
           coalesce((SELECT whole_from FROM archive_size), 0) AS old_known_since,
           (SELECT id FROM routing_changes WHERE is_committed = 1 ORDER BY rowid DESC LIMIT 1) AS last_change,
           ?1 IS NULL OR EXISTS (SELECT 1 FROM routing_changes WHERE id = ?1 AND is_committed = 1) AS is_same
         FROM routing`)
      .bind(lastChange),
    db.prepare(changesAbove).bind(above),
    db
      .prepare("SELECT id FROM routing_changes WHERE id IN (SELECT value FROM json_each(?))")
      .bind(JSON.stringify(announced)),
  ]);
  const [latest] = (current?.results ?? []) as CurrentRow[];
  if (latest === undefined) throw new Error("D1 has no routing version.");
  const rows = (changed?.results ?? []) as ChangeRow[];
  const found = rows[0]?.found ?? 0;
  const hasMore = found === webhooksMax || rows.length < found;
  return {
    changes: rows.map(changeOf),
    version: hasMore ? (rows.at(-1)?.at ?? latest.version) : latest.version,
    hasMore,
    settled: ((settled?.results ?? []) as { id: string }[]).map(({ id }) => id),
    lastChange: latest.last_change,
    isSameDatabase: latest.is_same === 1,
    shards: latest.shards,
    shardsNext: latest.shards_next,
    hasOldArchive: latest.has_old_archive === 1,
    oldKnownSince: latest.old_known_since,
  };
}

function changeOf({ id, uuid, version, waits, subscriptions }: ChangeRow): RoutingChange {
  if (uuid === null || version === null) return { kind: "removed", webhookId: id };
  return {
    kind: "changed",
    webhook: { id, uuid, version, waits: waits === 1 },
    subscriptions: (JSON.parse(subscriptions) as [string, string, string, number][]).map(
      ([eventType, projectUuid, jobUuid, sinceVersion]) => ({
        eventType,
        projectUuid,
        jobUuid,
        sinceVersion,
      }),
    ),
  };
}
