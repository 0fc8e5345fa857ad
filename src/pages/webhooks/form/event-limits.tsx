/** The fields that limit a group of events to a project or a job, with suggestions of known ones. */
import type { KnownProject } from "../../../events/known-projects";
import type { Limit } from "./event-tree";
import type { Group } from "./form-values";

const limitLabels: Record<Limit, string> = {
  all: "All projects",
  project: "One project",
  job: "One job",
};

/** The fields of a group. @param props.index of the group. */
export function Limits({ group, index }: { group: Group; index: number }) {
  const [project, job] = [`project-${index}`, `job-${index}`];
  return (
    <>
      <div class="row limits" role="radiogroup" aria-label="Limit events to">
        {(["all", "project", "job"] as const).map((limit) => (
          <label class="choice">
            <input type="radio" name={`limit-${index}`} value={limit} checked={group.limit === limit} />
            {limitLabels[limit]}
          </label>
        ))}
      </div>
      <div class="grid limit-fields">
        <div class="field limit-project">
          <label for={project}>Project UUID</label>
          <input id={project} name={project} value={group.project} list="known-projects" {...plainText} />
        </div>
        <div class="field limit-job">
          <label for={job}>Job UUID</label>
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

/** The same fields as hidden inputs. */
export function HiddenLimit({ group, index }: { group: Group; index: number }) {
  return (
    <>
      <input type="hidden" name={`limit-${index}`} value={group.limit} />
      <input type="hidden" name={`project-${index}`} value={group.project} />
      <input type="hidden" name={`job-${index}`} value={group.job} />
    </>
  );
}

/** Suggestions for the project and job fields. */
export function KnownLists({ known }: { known: readonly KnownProject[] }) {
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

/** `project Churn prediction` */
export function limitOf({ limit, project, job }: Group, known: readonly KnownProject[]): string {
  const about = known.find(
    ({ projectUuid, jobUuid }) => projectUuid === project && (limit !== "job" || jobUuid === job),
  );
  switch (limit) {
    case "all":
      return "all projects";
    case "project":
      return project === "" ? "one project" : `project ${about?.projectName ?? project}`;
    case "job":
      return job === "" ? "one job" : `job ${about?.jobName ?? job}`;
  }
}
