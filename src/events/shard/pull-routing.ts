/** Reading from D1 what an event shard's replica of routing lacks: a page of webhooks with all their subscriptions. */
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
 * @param above the version that the replica has; 0: nothing yet. @param announced ids of changes to ask about.
 * @throws when D1 cannot be read.
 */
export async function readRoutingPage(
  db: D1Database,
  { above, announced }: { above: number; announced: readonly string[] },
): Promise<RoutingPage> {
  const [current, changed, settled] = await db.batch<Record<string, unknown>>([
    db.prepare("SELECT version FROM routing"),
    db.prepare(changesAbove).bind(above),
    db
      .prepare("SELECT id FROM routing_changes WHERE id IN (SELECT value FROM json_each(?))")
      .bind(JSON.stringify(announced)),
  ]);
  const [latest] = (current?.results ?? []) as { version: number }[];
  if (latest === undefined) throw new Error("D1 has no routing version.");
  const rows = (changed?.results ?? []) as ChangeRow[];
  const found = rows[0]?.found ?? 0;
  const hasMore = found === webhooksMax || rows.length < found;
  return {
    changes: rows.map(changeOf),
    version: hasMore ? (rows.at(-1)?.at ?? latest.version) : latest.version,
    hasMore,
    settled: ((settled?.results ?? []) as { id: string }[]).map(({ id }) => id),
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
