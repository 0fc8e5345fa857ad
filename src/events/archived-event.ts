/** An event of the archive, wherever it is kept. */

/** Without its source text. `accepted_at`: in ms. */
export type ArchivedEvent = {
  uuid: string;
  type: string;
  timestamp: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: number;
};

/** With its source text. `publisher`: the id of a `Publisher`; null for events from before it was recorded. */
export type FullArchivedEvent = ArchivedEvent & { body: string; publisher: string | null };

/** The names of an event's project and job, from its text; null where it has none. */
export type EventNames = { project: string | null; job: string | null };

/** The filters of a list: `since` (inclusive) and `until` (exclusive) in ms. */
export type ArchiveFilters = {
  type?: string;
  projectUuid?: string;
  jobUuid?: string;
  since?: number;
  until?: number;
};
