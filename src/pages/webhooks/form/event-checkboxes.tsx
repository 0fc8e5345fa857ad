/** The checkboxes of the event types in a group of events: the whole tree, or only the checked ones. */
import { isPattern } from "../../../events/patterns";
import { neverSentType } from "../../../events/types";
import { count } from "../../parts/format-numbers";
import { type Branch, type Choice, choice, eventTree } from "./event-tree";
import type { Group } from "./form-values";

/** The whole tree, with a search. @param props.index of the group. */
export function EventTree({ group, index }: { group: Group; index: number }) {
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
          <input id={search} type="search" placeholder="Search, e.g. “cron failed”" autocomplete="off" />
        </div>
        <output class="muted small" data-count>
          {selectedText(group.types.length)}
        </output>
      </div>
      <div class="tree-body">
        {branches.map((branch, place) => (
          <EventBranch branch={branch} group={group} index={index} isOpen={place === 0} />
        ))}
        <ul class="tree">
          {others.map((type) => (
            <EventCheckbox {...choice(type, type)} group={group} index={index} />
          ))}
          <EventCheckbox {...everything} group={group} index={index} />
        </ul>
      </div>
      <p class="hint" hidden data-nothing>
        No event types match.
      </p>
    </>
  );
}

function EventBranch({
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
  const checked = valuesIn(branch).filter((value) => group.types.includes(value)).length;
  return (
    <details class="branch" open={isOpen || checked > 0}>
      <summary>
        {branch.label} {checked > 0 && <span class="badge info">{count(checked)}</span>}
      </summary>
      <ul class="tree">
        {branch.choices.map((one) => (
          <EventCheckbox {...one} prefix={`${branch.path}:`} group={group} index={index} />
        ))}
        {branch.branches.map((inner) => (
          <li class="inner">
            <EventBranch branch={inner} group={group} index={index} />
          </li>
        ))}
        <EventCheckbox {...branch.whole} isWhole group={group} index={index} />
      </ul>
    </details>
  );
}

/** Only the checked event types. */
export function CheckedOnly({ group, index }: { group: Group; index: number }) {
  return (
    <ul class="tree">
      {group.types.map((type) => (
        <EventCheckbox {...choice(type, type)} group={group} index={index} />
      ))}
    </ul>
  );
}

/** @param props.prefix the path before the label, for screen readers. */
function EventCheckbox({
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
          {value === neverSentType && <span class="muted small"> (Orchest never sends it)</span>}
        </span>
      </label>
    </li>
  );
}

function valuesIn({ whole, choices, branches }: Branch): string[] {
  return [...choices.map(({ value }) => value), ...branches.flatMap(valuesIn), whole.value];
}

/** `12 selected` */
export function selectedText(number: number): string {
  return number === 0 ? "None selected" : `${count(number)} selected`;
}
