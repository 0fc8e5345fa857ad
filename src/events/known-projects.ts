/** The projects and jobs of all events so far, with their names, for suggestions in forms. */

/** A project, or a job of it if `jobUuid` is not empty. Names are those in the latest event with a name, or null. */
export type KnownProject = {
  projectUuid: string;
  projectName: string | null;
  jobUuid: string;
  jobName: string | null;
};

/** The most projects and jobs in the list. */
const projectsMax = 1000;

/**
 * @param options.withNames false for callers who may not read the bodies of events: all names are then null.
 * @returns at most 1,000 projects and jobs; those that are new or were renamed last come first.
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
