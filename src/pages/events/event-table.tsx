/** The table of events. */
import type { ListedEvent } from "../../events/list-events";
import { Cell, Table } from "../parts/table";
import { Time } from "../parts/time";
import { archivePath, eventPath } from "./paths";

/** @param props.events a page of the archive, newest first. */
export function EventTable({ events }: { events: ListedEvent[] }) {
  return (
    <Table label="Events" columns={["Event", "Project", "Job", "Accepted"]}>
      {events.map((event) => (
        <tr>
          <th scope="row">
            {event.title === undefined ? (
              <a href={eventPath(event.uuid)}>{event.type}</a>
            ) : (
              <>
                <a href={eventPath(event.uuid)}>{event.title}</a>{" "}
                <span class="event-type muted small">{event.type}</span>
              </>
            )}
          </th>
          <Cell label="Project">
            <Subject what="project" name={event.projectName} uuid={event.project_uuid} />
          </Cell>
          <Cell label="Job">
            <Subject what="job" name={event.jobName} uuid={event.job_uuid} />
          </Cell>
          <Cell label="Accepted">
            <Time at={event.accepted_at} />
          </Cell>
        </tr>
      ))}
    </Table>
  );
}

/** A project or job by its name or else its uuid, as a link to its events. */
export function Subject({
  what,
  name,
  uuid,
}: {
  what: "project" | "job";
  name: string | null;
  uuid: string | null;
}) {
  const shown = name?.trim() || uuid;
  if (!shown) return <span class="muted">–</span>;
  if (uuid === null) return <>{shown}</>;
  return (
    <a href={archivePath({ [what]: uuid })} title={uuid}>
      {shown}
      <span class="visually-hidden">: its events</span>
    </a>
  );
}
