/** A stored event on its way to a lane that may have it. */
import type { HandoverEvent } from "../lane/handover";

/** What a row of any store has of an event. `accepted_at`: when it was first accepted, in ms. */
export type StoredRow = {
  uuid: string;
  type: string;
  project_uuid: string | null;
  job_uuid: string | null;
  accepted_at: number;
  body: string;
};

/** @returns the event for a lane's `accept`: the lane must look for a repeat, as an earlier call may have arrived. */
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
