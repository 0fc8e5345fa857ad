/** The event types as a tree by their paths, for the form. */
import { filtersOf } from "../../../events/patterns";
import { subscribableEventTypes } from "../../../events/types";

/** An event type or wildcard to select. `fits`: the limits that a subscription to it may have. */
export type Choice = { value: string; label: string; fits: readonly Limit[] };

/** Whether a subscription is for all projects, one project or one job. */
export type Limit = "all" | "project" | "job";

/** A segment of the paths. `whole`: the wildcard for everything below it. */
export type Branch = { path: string; label: string; whole: Choice; choices: Choice[]; branches: Branch[] };

const labels: Record<string, string> = {
  project: "Projects",
  environment: "Environments",
  "image-build": "Image builds",
  pipeline: "Pipelines",
  "interactive-session": "Interactive sessions",
  "pipeline-run": "Pipeline runs",
  "one-off-job": "One-off jobs",
  "cron-job": "Cron jobs",
  run: "Runs",
  jupyter: "JupyterLab",
  webhook: "Webhooks of this gateway",
};

let tree: { everything: Choice; branches: Branch[] } | undefined;

/** The whole tree, built once. */
export function eventTree(): { everything: Choice; branches: Branch[] } {
  tree ??= {
    everything: choice("**", "All events"),
    branches: branchesOf("", subscribableEventTypes),
  };
  return tree;
}

/** A choice of the tree, or for a wildcard that the tree does not offer. */
export function choice(value: string, label: string): Choice {
  const filters = filtersOf(value);
  const fits: Limit[] = ["all"];
  if (filters.has("project_uuid")) fits.push("project");
  if (filters.has("job_uuid")) fits.push("job");
  return { value, label, fits };
}

/** @param types all types that start with `path`, which is empty or ends with a colon. */
function branchesOf(path: string, types: readonly string[]): Branch[] {
  const deeper = types.filter((type) => type.slice(path.length).includes(":"));
  const byPart = Map.groupBy(deeper, (type) => type.slice(path.length).split(":")[0] ?? "");
  return [...byPart].map(([part, below]) => {
    const inside = `${path}${part}:`;
    const label = labels[part] ?? part;
    const leaves = below.filter((type) => !type.slice(inside.length).includes(":"));
    return {
      path: `${path}${part}`,
      label,
      whole: choice(`${inside}**`, `All of ${label}, including future types`),
      choices: leaves.map((type) => choice(type, type.slice(inside.length).replaceAll("-", " "))),
      branches: branchesOf(inside, below),
    };
  });
}
