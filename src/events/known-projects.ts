/** The projects and jobs that events were ever about, with their names, as choices in forms. */

/** A project, or a job of one: then `jobUuid` is not empty. Names are those that an event told last, or null. */
export type KnownProject = {
  projectUuid: string;
  projectName: string | null;
  jobUuid: string;
  jobName: string | null;
};

/** The most projects and jobs in the list. */
const projectsMax = 1000;

/**
 * @param options.withNames false for callers who may not read the texts of events: all names are null then.
 * @returns at most 1,000 projects and jobs, those with a new name or seen first last of all at the beginning.
 */
export async function listKnownProjects(
  db: D1Database,
  { withNames }: { withNames: boolean },
): Promise<KnownProject[]> {
  const { results } = await db
    .prepare(
      `SELECT k.project_uuid AS projectUuid, k.job_uuid AS jobUuid,
         CASE WHEN ?2 THEN p.name END AS projectName, CASE WHEN ?2 AND k.job_uuid <> '' THEN k.name END AS jobName
       FROM known_names k LEFT JOIN known_names p ON p.project_uuid = k.project_uuid AND p.job_uuid = ''
       ORDER BY k.changed_at DESC LIMIT ?1`,
    )
    .bind(projectsMax, withNames ? 1 : 0)
    .all<KnownProject>();
  return results;
}
