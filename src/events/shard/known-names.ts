/**
 * The names of projects and jobs that a shard's events told last. What is new or changed is written to D1's `known_names` from
 * the alarm, so that a publish asks no D1.
 */
import type { Event } from "../parse-events";

const tables = `
  CREATE TABLE IF NOT EXISTS names (
    project TEXT NOT NULL, job TEXT NOT NULL, name TEXT, changed_at INTEGER NOT NULL, is_written INTEGER NOT NULL,
    PRIMARY KEY (project, job)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS names_unwritten ON names (changed_at) WHERE is_written = 0`;

/** How many names are kept in memory, so that events tell nothing new without a look into the table. */
const rememberedMax = 5000;
/** How many names are written at once. */
const writtenAtOnce = 500;
/**
 * How long after it was written a name is written again when an event tells it. Another shard may have written a newer one
 * meanwhile, which is no longer right where a project got its old name back.
 */
const againMs = 21_600_000;
/** Longer names are cut. */
const nameCharactersMax = 200;

type NameRow = { project: string; job: string; name: string | null; changed_at: number };

export class KnownNames {
  readonly #sql: SqlStorage;
  /** By project and job: the last name, and when it was told for the first time or written again, in ms. */
  readonly #remembered = new Map<string, { name: string | null; at: number }>();
  #hasUnwritten: boolean;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(tables);
    this.#hasUnwritten = sql.exec("SELECT 1 FROM names WHERE is_written = 0 LIMIT 1").toArray().length > 0;
  }

  /** Whether there is something to be written to D1. */
  get hasUnwritten(): boolean {
    return this.#hasUnwritten;
  }

  /**
   * Notes what events tell. To be called in a transaction. A row is written for a name that is new or changed, or was
   * written hours ago. @param at in ms.
   */
  note(events: readonly Event[], at: number): void {
    for (const { projectUuid, projectName, jobUuid, jobName } of events) {
      if (projectUuid === null) continue;
      this.#note(projectUuid, "", projectName, at);
      if (jobUuid !== null) this.#note(projectUuid, jobUuid, jobName, at);
    }
  }

  /** Writes a number of names to D1. @returns whether there are more. @throws when D1 does not take them. */
  async write(db: D1Database): Promise<boolean> {
    const rows = this.#sql
      .exec<NameRow>(
        "SELECT project, job, name, changed_at FROM names WHERE is_written = 0 ORDER BY changed_at LIMIT ?",
        writtenAtOnce,
      )
      .toArray();
    if (rows.length > 0) await writeNames(db, rows);
    for (const { project, job, changed_at } of rows) {
      // Another name may have come meanwhile.
      this.#sql.exec(
        "UPDATE names SET is_written = 1 WHERE project = ? AND job = ? AND changed_at = ?",
        project,
        job,
        changed_at,
      );
    }
    const more = this.#sql.exec("SELECT 1 FROM names WHERE is_written = 0 LIMIT 1").toArray();
    this.#hasUnwritten = more.length > 0;
    return this.#hasUnwritten;
  }

  #note(project: string, job: string, told: string | null, at: number): void {
    const key = `${project} ${job}`;
    const name = told === null ? null : told.slice(0, nameCharactersMax).toWellFormed();
    const remembered = this.#remembered.get(key);
    if (remembered !== undefined && tellsNothing(remembered, name, at)) return;
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
    const [row] = this.#sql
      .exec<{ name: string | null; at: number }>(
        "SELECT name, changed_at AS at FROM names WHERE project = ? AND job = ?",
        project,
        job,
      )
      .toArray();
    const isKnown = row !== undefined && tellsNothing(row, name, at);
    this.#remembered.set(key, isKnown ? row : { name, at });
    if (isKnown) return;
    this.#sql.exec(
      `INSERT INTO names (project, job, name, changed_at, is_written) VALUES (?, ?, ?, ?, 0) ON CONFLICT (project, job)
       DO UPDATE SET name = excluded.name, changed_at = max(changed_at + 1, excluded.changed_at), is_written = 0`,
      project,
      job,
      name,
      at,
    );
    this.#hasUnwritten = true;
  }
}

/** Whether a name, told at a time in ms, need not be written: it is the known one, or none. */
function tellsNothing(known: { name: string | null; at: number }, name: string | null, at: number): boolean {
  return name === null || (name === known.name && at - known.at < againMs);
}

/** The latest name counts, whichever shard saw it; one that no event told leaves another one as it is. */
async function writeNames(db: D1Database, rows: readonly NameRow[]): Promise<void> {
  await db
    .prepare(
      `INSERT INTO known_names (project_uuid, job_uuid, name, changed_at)
       SELECT value->>'project', value->>'job', value->>'name', value->>'changed_at' FROM json_each(?) WHERE true
       ON CONFLICT (project_uuid, job_uuid) DO UPDATE SET name = excluded.name, changed_at = excluded.changed_at
       WHERE excluded.name IS NOT NULL AND excluded.name IS NOT name
         AND (name IS NULL OR excluded.changed_at >= changed_at)`,
    )
    .bind(JSON.stringify(rows))
    .run();
}
