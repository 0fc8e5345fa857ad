/** Looking into event shards, with routing that the test decides on. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { Topic } from "../../../src/events/matching";
import type { ListedEvent } from "../../../src/events/list-events";
import type { MatchingRange, ShardQuery } from "../../../src/events/shard/archive-pages";
import type { HandoverEvent } from "../../../src/lane/handover";
import type { Event } from "../../../src/events/parse-events";
import type { EventShard } from "../../../src/events/shard/event-shard";
import { RoutingChanges } from "../../../src/events/shard/routing-changes";
import { RoutingReplica } from "../../../src/events/shard/routing-replica";
import { shardStub } from "../../../src/events/shard/shard-of";
import { ShardStore } from "../../../src/events/shard/shard-store";
import { passTime } from "../../clock";
import type { Match, PublishAnswer, PublishedEvent } from "../../../src/events/shard/types";

/** How many shards there are. */
export const shardsCount = Number(env.EVENT_SHARDS);

/** The shard of these tests: which events belong to it is its callers' business. */
export function shard(): DurableObjectStub<EventShard> {
  return shardStub(env, 0);
}

/** Has the shard's object start again from its disk. */
export function restart(): Promise<void> {
  return evictDurableObject(shard());
}

/** Runs the shard's alarm, if it stands. */
export function runAlarm(): Promise<boolean> {
  return runDurableObjectAlarm(shard());
}

/** An event as it was parsed. */
export function event(changes: Partial<Event> = {}): Event {
  const uuid = changes.uuid ?? crypto.randomUUID();
  const type = changes.type ?? "project:created";
  return {
    uuid,
    type,
    timestamp: "2022-06-02 16:12:25.242592+00:00",
    timestampUs: 1_654_186_345_242_592,
    projectUuid: null,
    projectName: null,
    jobUuid: null,
    jobName: null,
    body: JSON.stringify({ uuid, type }),
    ...changes,
  };
}

export async function publish(events: Event[], shards = shardsCount): Promise<PublishAnswer> {
  const places = events.map((_, place) => place);
  return await shard().publish({ shards, publisher: "queue", at: Date.now(), events, places });
}

/** A page of the shard's list. */
export async function list(
  query: Partial<ShardQuery> = {},
): Promise<{ events: (ListedEvent & { id: number })[]; next: number | null; reachesBackTo: number | null }> {
  const { items, next, reachesBackTo } = await shard().list({ limit: 10, before: 0, ...query });
  return { events: items.map(({ id, item }) => Object.assign(item, { id })), next, reachesBackTo };
}

/** A page of what a webhook may have missed. */
export async function matching(
  webhookId: number,
  range: MatchingRange,
): Promise<{ events: HandoverEvent[]; next: number | null } | null> {
  const page = await shard().readMatching(webhookId, range);
  return page === null ? null : { events: page.items.map(({ item }) => item), next: page.next };
}

/** Publishes and expects it to be archived. @returns what the shard says of each event. */
export async function archive(...events: Event[]): Promise<PublishedEvent[]> {
  const answer = await publish(events);
  if (answer.outcome !== "archived") throw new Error(`not archived: ${JSON.stringify(answer)}`);
  return answer.events;
}

/** Has routing be current, at a version, and match by a function, for the rest of the test. */
export function route({
  version = 1,
  match = () => [],
}: {
  version?: number;
  match?: (topic: Topic) => Omit<Match, "topic">[];
} = {}): void {
  vi.spyOn(RoutingChanges.prototype, "current").mockResolvedValue(true);
  vi.spyOn(RoutingReplica.prototype, "version", "get").mockReturnValue(version);
  vi.spyOn(RoutingReplica.prototype, "match").mockImplementation((topics) =>
    topics.flatMap((topic, index) =>
      match(topic).map(({ webhook: matched, sinceVersion }) => ({
        topic: index,
        webhook: matched,
        sinceVersion,
      })),
    ),
  );
  vi.spyOn(RoutingReplica.prototype, "matchOne").mockImplementation((webhookId, topics) => {
    const indexes = topics.map((topic, index) =>
      match(topic).some((one) => one.webhook.id === webhookId) ? index : -1,
    );
    return new Set(indexes.filter((index) => index >= 0));
  });
}

/** A webhook, and since which routing version it matches. */
export function webhook(id: number, sinceVersion = 1): Omit<Match, "topic"> {
  return { webhook: { id, uuid: `webhook ${id}`, version: 1, waits: false }, sinceVersion };
}

/** Runs something on the shard's SQLite. */
export function inShard<Result>(
  work: (sql: SqlStorage, storage: DurableObjectStorage) => Result | Promise<Result>,
): Promise<Result> {
  return runInDurableObject(shard(), (_, { storage }) => work(storage.sql, storage));
}

/** The uuid of an event that `fill` made, and its id. */
export function filledUuid(id: number): string {
  const hex = id.toString(16);
  return `${hex.padStart(8, "0")}-0000-4000-8000-${hex.padStart(12, "0")}`;
}

/** Archives so many events now, in a shard, by SQL: all of them of the type `project:created`. */
export async function fillShard(number: number, count: number): Promise<void> {
  await runInDurableObject(shardStub(env, number), (_, { storage: { sql } }) => {
    const store = new ShardStore(sql);
    const first = store.tables.lastId + 1;
    const table = store.tables.all.at(-1) ?? store.tables.begin(Date.now());
    sql.exec(
      `WITH RECURSIVE numbers(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?2)
       INSERT INTO events_${table.number}
       SELECT n, ?3, 1, 0, printf('%08x-0000-4000-8000-%012x', n, ?4), 'project:created', NULL, NULL, '', 'queue', '{}'
       FROM numbers`,
      first,
      count,
      Date.now(),
      number,
    );
  });
  await evictDurableObject(shardStub(env, number));
}

/** Lets so many milliseconds pass, and archives an event in each of them, by SQL; every 1,000th has another type. Packs them as publishes would. */
export async function fill(count: number): Promise<void> {
  passTime(count);
  await inShard((sql) => {
    const store = new ShardStore(sql);
    const first = store.tables.lastId + 1;
    const table = store.tables.all.at(-1) ?? store.tables.begin(Date.now() - count);
    sql.exec(
      `WITH RECURSIVE numbers(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers LIMIT ?2)
       INSERT INTO events_${table.number}
       SELECT n, ?3 + n - ?1, 1, 0, printf('%08x-0000-4000-8000-%012x', n, n),
         iif(n % 1000 = 0, 'project:deleted', 'project:created'), NULL, NULL, '2022-06-02 16:12:25', 'queue',
         '{"uuid":"' || printf('%08x-0000-4000-8000-%012x', n, n) || '","type":"project:created"}'
       FROM numbers`,
      first,
      count,
      Date.now() - count,
    );
  });
  await inShard((sql, storage) => {
    const pack = (): boolean => {
      const { seen } = new ShardStore(sql);
      const { isFull } = seen;
      if (isFull) seen.seal();
      while (seen.tidy());
      return isFull;
    };
    while (storage.transactionSync(pack));
  });
  await restart();
}

/** What `countIn` counts. */
export type RowCounts = { read: number; written: number; statements: number };

/** Counts rows that shards read and write while something is done, and an alarm that is set as one. */
export async function countIn(work: () => Promise<unknown>): Promise<RowCounts> {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  let alarms = 0;
  const spies = await inShard((sql, storage) => {
    const statements = Object.getPrototypeOf(sql) as SqlStorage;
    const exec: SqlStorage["exec"] = Reflect.get(statements, "exec");
    const execSpy = vi.spyOn(statements, "exec").mockImplementation(function counted(
      this: SqlStorage,
      query: string,
      ...bindings: unknown[]
    ) {
      const cursor = exec.call(this, query, ...bindings);
      cursors.push(cursor);
      return cursor;
    });
    const objects = Object.getPrototypeOf(storage) as DurableObjectStorage;
    const setAlarm: DurableObjectStorage["setAlarm"] = Reflect.get(objects, "setAlarm");
    const alarmSpy = vi.spyOn(objects, "setAlarm").mockImplementation(function counted(
      this: DurableObjectStorage,
      time,
    ) {
      alarms += 1;
      return setAlarm.call(this, time);
    });
    return [execSpy, alarmSpy];
  });
  await work();
  for (const spy of spies) spy.mockRestore();
  expect(cursors.length, "statements that were counted").toBeGreaterThan(0);
  return {
    read: cursors.reduce((sum, cursor) => sum + cursor.rowsRead, 0),
    written: cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, alarms),
    statements: cursors.length,
  };
}
