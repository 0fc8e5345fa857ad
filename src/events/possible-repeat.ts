/** Prepares a stored event for a lane that may already have it. */
import type { HandoverEvent } from "../lane/handover";

/** The columns that every store of events has. `accepted_at`: when the event was first accepted, in ms. */
export type StoredRow = {
  uuid: string;
  type: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: number;
  body: string;
};

/**
 * @returns the event for a lane's `accept`. The lane must look for a repeat, because an earlier call may have been
 *   executed.
 */
export function possibleRepeat(row: StoredRow): HandoverEvent {
  return {
    uuid: row.uuid,
    type: row.type,
    projectUuid: row.project_uuid,
    jobUuid: row.job_uuid,
    body: row.body,
    firstAcceptedAt: row.accepted_at,
    maybeKnown: true,
  };
}
