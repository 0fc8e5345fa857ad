/** A lane as the version before left it on disk: everything that waits is delivered, and nothing is counted twice. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, it } from "vitest";
import { stopClock } from "../clock";
import { makeEvent, makeListener } from "../event";
import { configOf, handoverEvent, laneOf } from "../lane";
import { receiver } from "../receiver";
import { live, sequencesOf } from "./lane-traffic";

const day = Math.floor(Date.UTC(2040, 0, 1) / 86_400_000);

beforeEach(stopClock);

/** The statements of schema version 1, as its lanes ran them. */
const versionOne = [
  "CREATE TABLE IF NOT EXISTS lane (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL)",
  `CREATE TABLE IF NOT EXISTS days (
     day INTEGER PRIMARY KEY, first_sequence INTEGER NOT NULL, thinned INTEGER NOT NULL DEFAULT 0
   )`,
  ...[day - 1, day].map(
    (one) => `CREATE TABLE deliveries_${one} (
      sequence INTEGER PRIMARY KEY,
      status INTEGER NOT NULL DEFAULT 0,
      attempts INTEGER NOT NULL DEFAULT 0,
      tick INTEGER NOT NULL DEFAULT 0,
      accepted_at INTEGER NOT NULL,
      next_attempt_at INTEGER,
      aged_from INTEGER,
      delivered_at INTEGER,
      event_uuid TEXT NOT NULL,
      event_type TEXT NOT NULL,
      line TEXT NOT NULL,
      started_at INTEGER,
      duration_ms INTEGER,
      response_status INTEGER,
      error TEXT,
      config_version INTEGER,
      request_headers TEXT,
      response_headers TEXT,
      response_body TEXT,
      event TEXT NOT NULL
    )`,
  ),
  `CREATE TABLE IF NOT EXISTS attempts (
     sequence INTEGER NOT NULL,
     number INTEGER NOT NULL,
     tick INTEGER NOT NULL,
     started_at INTEGER NOT NULL,
     duration_ms INTEGER NOT NULL,
     response_status INTEGER,
     error TEXT,
     response_headers TEXT NOT NULL,
     response_body TEXT NOT NULL,
     PRIMARY KEY (sequence, number)
   ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS taken_as_repeat (
     event_uuid TEXT PRIMARY KEY, sequence INTEGER NOT NULL
   ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS replays (
     position INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, cursor INTEGER NOT NULL,
     last INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_attempt_at INTEGER NOT NULL,
     head_since INTEGER NOT NULL, queued INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
     done INTEGER NOT NULL DEFAULT 0, archive_cursor INTEGER, archive_since INTEGER NOT NULL DEFAULT 0,
     archive_until INTEGER NOT NULL DEFAULT 0
   )`,
  `CREATE TABLE IF NOT EXISTS carried (
     line TEXT PRIMARY KEY, not_before INTEGER NOT NULL, failures INTEGER NOT NULL
   ) WITHOUT ROWID`,
];

/** What version 2 added, and what else a lane of it may hold. @param noted the event of delivery 5, a possible repeat. */
function writeVersionTwo(sql: SqlStorage, noted: string): void {
  for (const one of [day - 1, day]) {
    sql.exec(
      `CREATE INDEX failed_${one} ON deliveries_${one} (sequence) WHERE status IN (0, 3) AND attempts > 0`,
    );
    sql.exec(`CREATE INDEX dead_${one} ON deliveries_${one} (sequence) WHERE status = 2`);
  }
  sql.exec(
    `CREATE TABLE replay_details (position INTEGER PRIMARY KEY, picked TEXT, given_up INTEGER NOT NULL DEFAULT 0)`,
  );
  sql.exec(
    "UPDATE lane SET record = json_set(record, '$.schemaVersion', 2, '$.frontier', 4, '$.countFrom', 5, '$.countTo', 1004)",
  );
  sql.exec("INSERT INTO taken_as_repeat VALUES (?, 5)", noted);
  const now = Date.now();
  sql.exec(
    `INSERT INTO replays (id, kind, cursor, last, next_attempt_at, head_since, queued, sent, done, archive_cursor, archive_since,
       archive_until)
     VALUES ('past', 'missing', 1, 0, ?1, ?1, 1000, 4, 1, NULL, 1000, 2000), ('running', 'all', 1, 1, ?1, ?1, 1, 0, 0, NULL, 0, 0)`,
    now,
  );
}

it("a lane of version 2 keeps what it notes of events, its replays and its counters", async () => {
  const { received } = receiver();
  const { uuid } = await makeListener({ ordering: "keyed" });
  const noted = crypto.randomUUID();
  await writeVersionOne(uuid, (sql) => writeVersionTwo(sql, noted));
  const replays = [
    { id: "running", kind: "all", since: null, startedAt: null, queued: 1, done: false, stopped: false },
    { id: "past", kind: "missing", since: 1000, until: 2000, queued: 1000, sent: 4, done: true },
  ];
  expect((await laneOf(uuid).replays({ limit: 10 })).replays).toMatchObject(replays);
  const config = await configOf(uuid);
  const repeat = handoverEvent(makeEvent({ uuid: noted }), { maybeKnown: true });
  expect(await laneOf(uuid).accept({ config, events: [repeat] })).toEqual({
    outcome: "accepted",
    fresh: [false],
  });
  await live(uuid, 10_000, () => received.length === 5);
  expect(sequencesOf(received).toSorted((a, b) => a - b)).toEqual([1, 3, 4, 6, 7]);
  const right = { backlog: 0, counts: { pending: 0, failed: 0, delivered: 6, dead: 1 } };
  expect(await laneOf(uuid).stats()).toMatchObject(right);
  await laneOf(uuid).maintain();
  await evictDurableObject(laneOf(uuid));
  expect(await laneOf(uuid).stats()).toMatchObject(right);
  expect(await laneOf(uuid).deliveryOf(noted, Date.now())).toMatchObject({ sequence: 5 });
  const { version, gone } = await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) =>
    sql
      .exec<{ version: number; gone: number }>(
        "SELECT json_extract(record, '$.schemaVersion') AS version, json_extract(record, '$.gone') AS gone FROM lane",
      )
      .one(),
  );
  expect({ version, gone }).toEqual({ version: 3, gone: 0 });
});

/** Two days: delivered (1), dead (2), failed (3), disabled in its retry (4); delivered and not counted yet (5), waiting (6, 7). */
async function writeVersionOne(uuid: string, more?: (sql: SqlStorage) => void): Promise<void> {
  const config = await configOf(uuid);
  await runInDurableObject(laneOf(uuid), async (_, { storage }) => {
    await storage.deleteAll();
    const { sql } = storage;
    for (const statement of versionOne) sql.exec(statement);
    sql.exec("INSERT INTO days (day, first_sequence) VALUES (?, 1), (?, 5)", day - 1, day);
    const now = Date.now();
    const rows = [
      { table: day - 1, sequence: 1, status: 1, attempts: 1, tick: 1, line: "job a" },
      { table: day - 1, sequence: 2, status: 2, attempts: 2, tick: 3, line: "job b" },
      { table: day - 1, sequence: 3, status: 0, attempts: 1, tick: 4, line: "job a", next: now + 4000 },
      { table: day - 1, sequence: 4, status: 0, attempts: 1, tick: 5, line: "job d" },
      { table: day, sequence: 5, status: 1, attempts: 1, tick: 6, line: "job c" },
      { table: day, sequence: 6, status: 0, attempts: 0, tick: 0, line: "job a" },
      { table: day, sequence: 7, status: 0, attempts: 0, tick: 0, line: "job c" },
    ];
    for (const { table, sequence, status, attempts, tick, line, next = null } of rows) {
      const isTried = attempts > 0;
      sql.exec(
        `INSERT INTO deliveries_${table} (sequence, status, attempts, tick, accepted_at, next_attempt_at, aged_from,
           event_uuid, event_type, line, started_at, duration_ms, response_status, error, config_version,
           request_headers, response_headers, response_body, event)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'project:created', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        sequence,
        status,
        attempts,
        tick,
        now - 86_400_000,
        next,
        isTried ? now - 10_000 : null,
        crypto.randomUUID(),
        line,
        isTried ? now - 10_000 : null,
        isTried ? 20 : null,
        isTried ? 200 : null,
        isTried && status !== 1 ? "http_5xx" : null,
        isTried ? 1 : null,
        isTried ? "{}" : null,
        isTried ? "{}" : null,
        isTried ? "" : null,
        '{"type":"project:created"}',
      );
    }
    sql.exec("INSERT INTO attempts VALUES (2, 1, 2, ?, 20, 500, 'http_5xx', '{}', '')", now - 20_000);
    const record = {
      config,
      closedAt: null,
      state: "active",
      disabledReason: null,
      copiedToD1: true,
      inactiveSince: null,
      inactiveMs: 0,
      failingSince: null,
      troubleAnnounced: false,
      lowWater: 3,
      triedUpTo: 10_000,
      sequenceBase: 0,
      prunedThrough: 0,
      tally: { attempts: 3, finished: 2, delivered: 1, dead: 1 },
    };
    sql.exec("INSERT INTO lane VALUES (1, ?)", JSON.stringify(record));
    more?.(sql);
  });
  await evictDurableObject(laneOf(uuid));
}

it.each(["strict", "keyed", "none"])(
  "a lane of the version before is taken over in %s ordering, with all that waits and all counts",
  async (ordering) => {
    const { received } = receiver();
    const { uuid } = await makeListener({ ordering });
    await writeVersionOne(uuid);
    expect(await laneOf(uuid).stats()).toMatchObject({
      backlog: 4,
      counts: { pending: 2, delivered: 2, failed: 2, dead: 1 },
    });
    for (let wake = 0; wake < 3; wake++) {
      await evictDurableObject(laneOf(uuid));
      await laneOf(uuid).stats();
    }
    await laneOf(uuid).configure(await configOf(uuid));
    await live(uuid, 10_000, () => received.length === 4);
    expect(sequencesOf(received).toSorted((a, b) => a - b)).toEqual([3, 4, 6, 7]);
    const ofJobA = sequencesOf(received).filter((one) => one === 3 || one === 6);
    expect(ordering === "none" ? [3, 6] : ofJobA).toEqual([3, 6]);
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 6, dead: 1 } });
    await evictDurableObject(laneOf(uuid));
    expect(await laneOf(uuid).stats()).toMatchObject({ backlog: 0, counts: { delivered: 6, dead: 1 } });
    const shape = await runInDurableObject(laneOf(uuid), (_, { storage: { sql } }) => ({
      version: sql.exec<{ v: number }>("SELECT json_extract(record, '$.schemaVersion') AS v FROM lane").one()
        .v,
      indexes: sql
        .exec(
          "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE '%ed_%' OR name LIKE 'dead_%'",
        )
        .toArray().length,
    }));
    expect(shape).toEqual({ version: 3, indexes: 4 });
  },
);
