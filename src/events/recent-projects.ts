/** Which projects and jobs there are, as far as the archive tells: the names that people know them by. */
import { listArchive, readEventNames } from "./archive-list";

/** A project, or a job of one. `name` is the one that its latest event gave; null where that gave none. */
export type RecentProject = {
  projectUuid: string;
  projectName: string | null;
  jobUuid: string;
  jobName: string | null;
};

/** How many of the latest events are looked at: it is asked for with every form. */
const eventsMax = 500;
/** How many projects and jobs are named: the rest can be typed. */
const knownMax = 100;

/**
 * @param options.withNames false for those who may not read events' texts, where the names stand: all are null then.
 * @returns those of the latest events, the latest first; `jobUuid` is empty for a project as such.
 */
export async function listRecentProjects(
  db: D1Database,
  { withNames }: { withNames: boolean },
): Promise<RecentProject[]> {
  const { events } = await listArchive(db, { limit: eventsMax });
  const latest = Map.groupBy(events, ({ project_uuid, job_uuid }) => `${project_uuid} ${job_uuid}`);
  const named = [...latest.values()].flatMap(([event]) => event ?? []).slice(0, knownMax);
  const ids = withNames ? named.map(({ id }) => id) : [];
  const names = await readEventNames(db, ids);
  return named.flatMap(({ id, project_uuid, job_uuid }) =>
    project_uuid === null
      ? []
      : {
          projectUuid: project_uuid,
          projectName: names.get(id)?.project ?? null,
          jobUuid: job_uuid ?? "",
          jobName: names.get(id)?.job ?? null,
        },
  );
}
