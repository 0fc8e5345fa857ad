/** What a group of events is limited to: a project, a job or nothing, and what is known of them. */
import type { Known } from "../../../events/known-projects";
import type { Limit } from "./event-tree";
import type { Group } from "./form-values";

const limitLabels: Record<Limit, string> = {
  all: "From everywhere",
  project: "Only from one project",
  job: "Only from one job",
};

/** The fields of a group. @param props.index its place among the groups. */
export function Limits({ group, index }: { group: Group; index: number }) {
  const [project, job] = [`project-${index}`, `job-${index}`];
  return (
    <>
      <div class="row limits" role="radiogroup" aria-label="Where from">
        {(["all", "project", "job"] as const).map((limit) => (
          <label class="choice">
            <input type="radio" name={`limit-${index}`} value={limit} checked={group.limit === limit} />
            {limitLabels[limit]}
          </label>
        ))}
      </div>
      <div class="grid limit-fields">
        <div class="field limit-project">
          <label for={project}>Project (UUID)</label>
          <input id={project} name={project} value={group.project} list="known-projects" {...plainText} />
        </div>
        <div class="field limit-job">
          <label for={job}>Job (UUID)</label>
          <input
            id={job}
            name={job}
            value={group.job}
            list="known-jobs"
            data-project={project}
            {...plainText}
          />
        </div>
      </div>
    </>
  );
}

const plainText = { autocomplete: "off", autocapitalize: "off", spellcheck: false } as const;

/** The same fields where there is nothing to change in them. */
export function HiddenLimit({ group, index }: { group: Group; index: number }) {
  return (
    <>
      <input type="hidden" name={`limit-${index}`} value={group.limit} />
      <input type="hidden" name={`project-${index}`} value={group.project} />
      <input type="hidden" name={`job-${index}`} value={group.job} />
    </>
  );
}

/** What browsers offer where a project or a job is asked for. */
export function KnownLists({ known }: { known: readonly Known[] }) {
  const projects = new Map(known.map(({ projectUuid, projectName }) => [projectUuid, projectName]));
  return (
    <>
      <datalist id="known-projects">
        {[...projects].map(([uuid, name]) => (
          <option value={uuid} label={name ?? undefined} />
        ))}
      </datalist>
      <datalist id="known-jobs">
        {known
          .filter(({ jobUuid }) => jobUuid !== "")
          .map(({ jobUuid, jobName, projectUuid, projectName }) => (
            <option
              value={jobUuid}
              label={[jobName, projectName].filter(Boolean).join(" · ") || undefined}
              data-project={projectUuid}
            />
          ))}
      </datalist>
    </>
  );
}

/** `only from the project Churn prediction` */
export function limitOf({ limit, project, job }: Group, known: readonly Known[]): string {
  const about = known.find(
    ({ projectUuid, jobUuid }) => projectUuid === project && (limit !== "job" || jobUuid === job),
  );
  switch (limit) {
    case "all":
      return "from everywhere";
    case "project":
      return project === ""
        ? "only from one project"
        : `only from the project ${about?.projectName ?? project}`;
    case "job":
      return job === "" ? "only from one job" : `only from the job ${about?.jobName ?? job}`;
  }
}
