/** Projects and jobs of recent events, with their names, as suggestions for forms. */
import { listArchive, readEventNames } from "./archive-list";

/** A project, or a job of one: then `jobUuid` is not empty. Names are those in the latest event, or null. */
export type RecentProject = {
  projectUuid: string;
  projectName: string | null;
  jobUuid: string;
  jobName: string | null;
};

/** How many of the latest events are searched. It is small, because every form asks for the projects. */
const eventsMax = 500;
/** The most projects and jobs in the list. */
const projectsMax = 100;

/**
 * @param options.withNames false for callers who may not read the texts of events: all names are null then.
 * @returns the projects and jobs of the latest 500 events, the most recent first.
 */
export async function listRecentProjects(
  db: D1Database,
  { withNames }: { withNames: boolean },
): Promise<RecentProject[]> {
  const { events } = await listArchive(db, { limit: eventsMax });
  const latest = Map.groupBy(events, ({ project_uuid, job_uuid }) => `${project_uuid} ${job_uuid}`);
  const named = [...latest.values()].flatMap(([event]) => event ?? []).slice(0, projectsMax);
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
