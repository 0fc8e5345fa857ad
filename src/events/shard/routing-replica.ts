/**
 * An event shard's replica of what matching needs: the webhooks and subscriptions of D1, in the shard's own SQLite. Of these
 * nothing is in memory: there is nothing to load when the shard wakes up.
 */
import { candidateJoin, candidatesOf, type Topic } from "../matching";
import type { RoutingChange, RoutingPage } from "./pull-routing";
import type { Match } from "./types";

/** Named as in D1: matching is the same there. */
const tables = `
  CREATE TABLE IF NOT EXISTS routing (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL, is_complete INTEGER NOT NULL, last_change TEXT
  );
  INSERT INTO routing (id, version, is_complete) VALUES (1, 0, 0) ON CONFLICT DO NOTHING;
  CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, version INTEGER NOT NULL, waits INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS subscriptions (
    event_type TEXT NOT NULL, project_uuid TEXT NOT NULL, job_uuid TEXT NOT NULL, webhook_id INTEGER NOT NULL,
    routing_version INTEGER NOT NULL, PRIMARY KEY (event_type, project_uuid, job_uuid, webhook_id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS subscriptions_webhook ON subscriptions (webhook_id);`;

const matching = `
  SELECT c.value->>0 AS topic, w.id, w.uuid, w.version, w.waits, min(s.routing_version) AS since_version
  FROM ${candidateJoin} CROSS JOIN webhooks w ON w.id = s.webhook_id
  GROUP BY topic, w.id ORDER BY topic, w.id`;

/** The candidates' key and the webhook are the primary key of `subscriptions`: one look-up for each. */
const matchingOne = `SELECT DISTINCT c.value->>0 AS topic FROM ${candidateJoin} AND s.webhook_id = ?2`;

const removeOthers = `DELETE FROM subscriptions WHERE webhook_id = ?1 AND (event_type, project_uuid, job_uuid) NOT IN (
  SELECT value->>'eventType', value->>'projectUuid', value->>'jobUuid' FROM json_each(?2))`;

const keep = `INSERT INTO subscriptions (webhook_id, event_type, project_uuid, job_uuid, routing_version)
  SELECT ?1, value->>'eventType', value->>'projectUuid', value->>'jobUuid', value->>'sinceVersion' FROM json_each(?2)
  WHERE true ON CONFLICT DO UPDATE SET routing_version = excluded.routing_version
  WHERE routing_version <> excluded.routing_version`;

type MatchRow = {
  topic: number;
  id: number;
  uuid: string;
  version: number;
  waits: number;
  since_version: number;
};

type StateRow = { version: number; is_complete: number; last_change: string | null };

/** Synchronous: what one caller does without an `await` in between is one transaction. */
export class RoutingReplica {
  readonly #sql: SqlStorage;
  /** The row of `routing`, once it was read since the last change: each publish asks for it. */
  #state: StateRow | null = null;

  /** Makes the tables where they are missing. */
  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(tables);
  }

  /** D1's routing version of the newest change that is applied; 0: none yet. */
  get version(): number {
    return this.#read().version;
  }

  /** The id of the latest change that D1 had committed when it was last pulled; null: none. */
  get lastChange(): string | null {
    return this.#read().last_change;
  }

  /** Whether the replica ever had all that D1 had: false while its first pages come. */
  get isComplete(): boolean {
    return this.#read().is_complete === 1;
  }

  /**
   * @returns the webhooks that match each topic, by topic and then in order of creation. Disabled ones match: their lane
   *   refuses. The rows read are those that match, and one look-up for each combination that a subscription may have.
   */
  match(topics: readonly Topic[]): Match[] {
    return this.#sql
      .exec<MatchRow>(matching, JSON.stringify(topics.flatMap(candidatesOf)))
      .toArray()
      .map(({ topic, since_version, waits, ...webhook }) => ({
        topic,
        webhook: { ...webhook, waits: waits === 1 },
        sinceVersion: since_version,
      }));
  }

  /** @returns the indexes of those topics that one webhook matches. What other webhooks match is not read. */
  matchOne(webhookId: number, topics: readonly Topic[]): Set<number> {
    const candidates = JSON.stringify(topics.flatMap(candidatesOf));
    const rows = this.#sql.exec<{ topic: number }>(matchingOne, candidates, webhookId).toArray();
    return new Set(rows.map(({ topic }) => topic));
  }

  /** Applies a page. Call it in a transaction. */
  take({ changes, version, hasMore, lastChange }: RoutingPage): void {
    for (const change of changes) this.#apply(change);
    this.#sql.exec(
      "UPDATE routing SET version = ?1, is_complete = is_complete OR ?2 WHERE version <> ?1 OR is_complete < ?2",
      version,
      hasMore ? 0 : 1,
    );
    if (!hasMore)
      this.#sql.exec("UPDATE routing SET last_change = ?1 WHERE last_change IS NOT ?1", lastChange);
    this.#state = null;
  }

  /** Forgets everything, to be filled again. Call it in a transaction. */
  clear(): void {
    this.#sql.exec(
      "DELETE FROM subscriptions; DELETE FROM webhooks; UPDATE routing SET version = 0, is_complete = 0, last_change = NULL",
    );
    this.#state = null;
  }

  #read(): StateRow {
    this.#state ??= this.#sql.exec<StateRow>("SELECT version, is_complete, last_change FROM routing").one();
    return this.#state;
  }

  #apply(change: RoutingChange): void {
    if (change.kind === "removed") {
      this.#sql.exec("DELETE FROM subscriptions WHERE webhook_id = ?", change.webhookId);
      this.#sql.exec("DELETE FROM webhooks WHERE id = ?", change.webhookId);
      return;
    }
    const { id, uuid, version, waits } = change.webhook;
    this.#sql.exec(
      `INSERT INTO webhooks (id, uuid, version, waits) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET uuid = excluded.uuid, version = excluded.version, waits = excluded.waits`,
      id,
      uuid,
      version,
      waits ? 1 : 0,
    );
    const subscriptions = JSON.stringify(change.subscriptions);
    this.#sql.exec(removeOthers, id, subscriptions);
    this.#sql.exec(keep, id, subscriptions);
  }
}
