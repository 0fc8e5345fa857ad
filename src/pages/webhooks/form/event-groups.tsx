/** The events of the form: groups of event types, each for all projects, one project or one job. */
import type { KnownProject } from "../../../events/known-projects";
import { selectedText, CheckedOnly, EventTree } from "./event-checkboxes";
import { EventPresets } from "./event-presets";
import { type FormErrors, groupField } from "./form-errors";
import { HiddenLimit, KnownLists, limitOf, Limits } from "./event-limits";
import type { Group } from "./form-values";

/**
 * The most groups with a tree of event types, which is as long as a page. Further groups list only their checked event
 * types.
 */
const treesMax = 4;

/** @param props.opened the index of a group that was just added. */
export function EventGroups({
  groups,
  errors,
  known,
  opened,
}: {
  groups: readonly Group[];
  errors: FormErrors;
  known: readonly KnownProject[];
  opened?: number;
}) {
  // A new group is the last one.
  const hasTree = (index: number): boolean => index < treesMax || index === groups.length - 1;
  return (
    <section class="card" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      <EventPresets />
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
                  <span data-count>{selectedText(group.types.length)}</span>, {limitOf(group, known)}
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
          formaction={`#${groupField(groups.length)}`}
          data-in-place="groups"
        >
          Add events for another project or job
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
          <EventTree group={group} index={index} />
        </>
      ) : (
        <>
          <HiddenLimit group={group} index={index} />
          <CheckedOnly group={group} index={index} />
        </>
      )}
    </fieldset>
  );
}
