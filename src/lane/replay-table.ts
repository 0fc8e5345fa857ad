/** The tables of a lane's replays, and their rows. */

/**
 * The kinds of replays. `one`: a single delivery that is resent. `picked`: selected dead letters. `dead`, `all`: dead
 * letters or all finished deliveries of a range. `missing`: events that never reached the lane.
 */
export type ReplayKind = "one" | "picked" | "dead" | "all" | "missing";

/**
 * A row, with its details. Deliveries from `cursor` to `last` have not been sent. `head_since`: when the next delivery
 * became the next one, or when the replay ended, in ms.
 */
export type ReplayRow = {
  position: number;
  id: string;
  kind: ReplayKind;
  cursor: number;
  last: number;
  attempts: number;
  next_attempt_at: number;
  head_since: number;
  queued: number;
  sent: number;
  done: number;
  /** Text; a number in rows written while the archive was in D1. */
  archive_cursor: string | number | null;
  archive_since: number;
  archive_until: number;
  started_at: number | null;
  since: number | null;
  until: number | null;
  is_exact: number;
  stopped: number;
  picked: string | null;
  given_up: number | null;
};

/** SQL to follow FROM, for reading whole rows (`ReplayRow`). */
export const replaysWithDetails = "replays LEFT JOIN replay_details USING (position)";

/** The columns that tables of schema version 2 lack. */
const addedColumns = [
  "started_at INTEGER",
  "since INTEGER",
  "until INTEGER",
  "is_exact INTEGER NOT NULL DEFAULT 1",
  "stopped INTEGER NOT NULL DEFAULT 0",
];

/** Creates the tables, or adds the missing columns to tables of an earlier version. */
export function openReplayTables(sql: SqlStorage): void {
  const [present] = sql
    .exec<{ sql: string }>("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'replays'")
    .toArray();
  if (present === undefined) sql.exec(createTable);
  else if (!present.sql.includes("started_at")) upgrade(sql);
  // Details that few replays have: the selected sequence numbers, and how many deliveries were given up.
  sql.exec(`CREATE TABLE IF NOT EXISTS replay_details (
    position INTEGER PRIMARY KEY,
    picked TEXT,
    given_up INTEGER NOT NULL DEFAULT 0
  )`);
}

/** Adds the missing columns. There are few rows, because a lane keeps only its latest replays. */
function upgrade(sql: SqlStorage): void {
  for (const column of addedColumns) sql.exec(`ALTER TABLE replays ADD COLUMN ${column}`);
  sql.exec("UPDATE replays SET since = archive_since, until = archive_until WHERE kind = 'missing'");
  // Counting ended at these counts.
  sql.exec("UPDATE replays SET is_exact = 0 WHERE queued IN (1000, 50000)");
}

const createTable = `CREATE TABLE replays (
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  cursor INTEGER NOT NULL,
  last INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  head_since INTEGER NOT NULL,
  queued INTEGER NOT NULL,
  sent INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0,
  archive_cursor INTEGER,
  archive_since INTEGER NOT NULL DEFAULT 0,
  archive_until INTEGER NOT NULL DEFAULT 0,
  ${addedColumns.join(",\n  ")}
)`;
