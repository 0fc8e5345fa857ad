/** The events of the form: groups of ticked event types, each limited to a project, to a job or to nothing. */
import { isPattern } from "../../../events/patterns";
import type { Known } from "../../../db/known-projects";
import { count } from "../../parts/figures";
import { type Branch, type Choice, choice, eventTree, type Limit } from "./event-tree";
import { type FormErrors, groupField } from "./form-errors";
import { jobFailureTypes } from "../job-failures";
import type { Group } from "./typed";

/** A whole tree takes a page of its own: further groups list only what is ticked in them. */
const treesMax = 4;

/** What is chosen most often, with one click. */
export const picks: Record<string, { label: string; types: readonly string[] }> = {
  "job-failures": { label: "A job run fails", types: jobFailureTypes },
  "image-failures": { label: "An image build fails", types: ["project:environment:image-build:failed"] },
  "webhook-trouble": { label: "A webhook is in trouble", types: ["webhook:**"] },
};

const limitLabels: Record<Limit, string> = {
  all: "From everywhere",
  project: "Only from one project",
  job: "Only from one job",
};

/** @param props.opened the group that was just added, if one was. */
export function EventGroups({
  groups,
  errors,
  known,
  opened,
}: {
  groups: readonly Group[];
  errors: FormErrors;
  known: readonly Known[];
  opened?: number;
}) {
  // One that is added is the last.
  const hasTree = (index: number): boolean => index < treesMax || index === groups.length - 1;
  return (
    <section class="card" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      <div class="row picks">
        <span class="muted small" id="picks-label">
          Often chosen:
        </span>
        {Object.entries(picks).map(([name, { label }]) => (
          <button
            class="button quiet small"
            type="submit"
            name="pick"
            value={name}
            formnovalidate
            data-in-place="groups preview"
            aria-describedby="picks-label"
          >
            {label}
          </button>
        ))}
      </div>
      <div id="groups" class="stack">
        <input type="hidden" name="groups" value={groups.length} />
        {groups.map((group, index) => {
          const error = errors.get(groupField(index));
          const shared = { group, index, error };
          const isOpen = index === 0 || index === opened || error !== undefined;
          if (groups.length === 1) return <GroupFields {...shared} hasTree />;
          return (
            <details class="event-group" open={isOpen}>
              <summary>
                <strong>
                  <span data-count>{chosen(group.types.length)}</span>, {limitOf(group, known)}
                </strong>
              </summary>
              <GroupFields {...shared} hasTree={hasTree(index)} />
            </details>
          );
        })}
      </div>
      <p>
        <button
          class="button quiet small"
          type="submit"
          name="intent"
          value="add-group"
          formnovalidate
          data-in-place="groups"
        >
          Add events with another limit
        </button>
      </p>
      <KnownLists known={known} />
    </section>
  );
}

function GroupFields({
  group,
  index,
  error,
  hasTree,
}: {
  group: Group;
  index: number;
  error: string | undefined;
  hasTree: boolean;
}) {
  const id = groupField(index);
  return (
    <fieldset
      class="group"
      id={id}
      tabindex={-1}
      aria-describedby={error === undefined ? undefined : `${id}-error`}
      data-events
    >
      <legend class="visually-hidden">Events{index > 0 && `, group ${index + 1}`}</legend>
      {error !== undefined && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hasTree ? (
        <>
          <Limits group={group} index={index} />
          <Tree group={group} index={index} />
        </>
      ) : (
        <>
          <input type="hidden" name={`limit-${index}`} value={group.limit} />
          <input type="hidden" name={`project-${index}`} value={group.project} />
          <input type="hidden" name={`job-${index}`} value={group.job} />
          <ul class="tree">
            {group.types.map((type) => (
              <Tick {...choice(type, type)} group={group} index={index} />
            ))}
          </ul>
        </>
      )}
    </fieldset>
  );
}

function Limits({ group, index }: { group: Group; index: number }) {
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

function Tree({ group, index }: { group: Group; index: number }) {
  const { everything, branches } = eventTree();
  const offered = new Set([everything.value, ...branches.flatMap(valuesIn)]);
  const others = group.types.filter((type) => !offered.has(type));
  const search = `search-${index}`;
  return (
    <>
      <div class="row tree-head">
        <div class="field search" hidden data-search>
          <label class="visually-hidden" for={search}>
            Search event types
          </label>
          <input id={search} type="search" placeholder="Search, such as “cron failed”" autocomplete="off" />
        </div>
        <output class="muted small" data-count>
          {chosen(group.types.length)}
        </output>
      </div>
      <div class="tree-body">
        {branches.map((branch, place) => (
          <BranchPart branch={branch} group={group} index={index} isOpen={place === 0} />
        ))}
        <ul class="tree">
          {others.map((type) => (
            <Tick {...choice(type, type)} group={group} index={index} />
          ))}
          <Tick {...everything} group={group} index={index} />
        </ul>
      </div>
      <p class="hint" hidden data-nothing>
        No event type is called that.
      </p>
    </>
  );
}

function BranchPart({
  branch,
  group,
  index,
  isOpen = false,
}: {
  branch: Branch;
  group: Group;
  index: number;
  isOpen?: boolean;
}) {
  const ticked = valuesIn(branch).filter((value) => group.types.includes(value)).length;
  return (
    <details class="branch" open={isOpen || ticked > 0}>
      <summary>
        {branch.label} {ticked > 0 && <span class="badge info">{count(ticked)}</span>}
      </summary>
      <ul class="tree">
        {branch.choices.map((one) => (
          <Tick {...one} prefix={`${branch.path}:`} group={group} index={index} />
        ))}
        {branch.branches.map((inner) => (
          <li class="inner">
            <BranchPart branch={inner} group={group} index={index} />
          </li>
        ))}
        <Tick {...branch.whole} isWhole group={group} index={index} />
      </ul>
    </details>
  );
}

/** @param props.prefix what stands before the label in the type's full name, for those who do not see where it is. */
function Tick({
  value,
  label,
  fits,
  prefix,
  isWhole = false,
  group,
  index,
}: Choice & { prefix?: string; isWhole?: boolean; group: Group; index: number }) {
  return (
    <li class={isWhole ? "whole" : undefined} data-choice={value}>
      <label class="choice">
        <input
          type="checkbox"
          name={`types-${index}`}
          value={value}
          checked={group.types.includes(value)}
          data-fits={fits.join(" ")}
        />
        <span>
          {prefix !== undefined && <span class="visually-hidden">{prefix}</span>}
          {label}
          {isPattern(value) && label !== value && <code class="pattern">{value}</code>}
        </span>
      </label>
    </li>
  );
}

/** What browsers offer where a project or a job is asked for. */
function KnownLists({ known }: { known: readonly Known[] }) {
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

function valuesIn({ whole, choices, branches }: Branch): string[] {
  return [...choices.map(({ value }) => value), ...branches.flatMap(valuesIn), whole.value];
}

/** `only from the project Churn prediction` */
function limitOf({ limit, project, job }: Group, known: readonly Known[]): string {
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

function chosen(number: number): string {
  return number === 0 ? "Nothing chosen" : `${count(number)} chosen`;
}
