/** Events of the archive, the same for event shards and the old archive. */

/** An event without its source text. `accepted_at` in ms. */
export type ArchivedEvent = {
  uuid: string;
  type: string;
  timestamp: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: number;
};

/**
 * An event with its source text (`body`). `publisher`: the id of a `Publisher`; null for events accepted before
 * publishers were recorded.
 */
export type FullArchivedEvent = ArchivedEvent & { body: string; publisher: string | null };

/** The names of an event's project and job, from its text; null when it has none. */
export type EventNames = { project: string | null; job: string | null };

/** The filters of a list: `since` (inclusive) and `until` (exclusive) in ms. */
export type ArchiveFilters = {
  type?: string;
  projectUuid?: string;
  jobUuid?: string;
  since?: number;
  until?: number;
};
