/** `GET /events`: the archive of events, with filters, in pages. */
import type { Context } from "hono";
import { allows, mayReadTexts } from "../../auth/scopes";
import {
  cursorText,
  type EventPage,
  type ListCursor,
  listEvents,
  parseListCursor,
} from "../../events/list-events";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Pager } from "../parts/pager";
import { Time } from "../parts/time";
import { EventTable } from "./event-table";
import { FilterForm, type Filters, isFiltered, readFilters } from "./filters";
import { archivePath } from "./paths";

const pageSize = 25;

/** A page of the archive with the names of projects and jobs; null when a filter is invalid. */
type Listed = EventPage | null;

/** Adds the page to `router`. */
export function eventList(router: Router): void {
  router.get("/events", signedIn("webhooks:read"), async (c) => {
    const filters = readFilters((name) => c.req.query(name));
    const before = parseListCursor(c.req.query("cursor") ?? "") ?? undefined;
    const listed = await list(c, filters, before);
    const mayPublish = allows(c.var.caller.scopes, "events:publish");
    if (listed === null) c.status(400);

    return renderPage(
      c,
      { title: "Events", user: c.var.caller, section: "/events" },
      <>
        <div class="page-header">
          <h1>Events</h1>
          {mayPublish && (
            <a class="button primary" href="/events/new">
              Publish event
            </a>
          )}
        </div>
        <OutcomeNotice outcome={takeOutcome(c)} />
        {listed !== null && listed.reachesBackTo === null && !isFiltered(filters) ? (
          <NoEvents mayPublish={mayPublish} />
        ) : (
          <>
            <FilterForm filters={filters} />
            <Found listed={listed} filters={filters} before={before} />
          </>
        )}
      </>,
    );
  });
}

async function list(c: Context<AppEnv>, { query, errors }: Filters, before?: ListCursor): Promise<Listed> {
  if (Object.keys(errors).length > 0) return null;
  // The names are part of the payloads.
  return listEvents(c.env, { ...query, limit: pageSize, before, withNames: mayReadTexts(c.var.caller) });
}

function Found({ listed, filters, before }: { listed: Listed; filters: Filters; before?: ListCursor }) {
  if (listed === null) {
    return (
      <p class="notice bad">
        No events are listed because a filter is invalid. See the error below the field.
      </p>
    );
  }
  const { events, next, reachesBackTo, unavailableShards } = listed;
  return (
    <section class="card" id="events" aria-labelledby="archive-title">
      <h2 id="archive-title">Archive</h2>
      <div class="stack">
        {reachesBackTo !== null && (
          <p class="muted small">
            Newest first. All events since <Time at={reachesBackTo} /> are listed.
          </p>
        )}
        {unavailableShards.length > 0 && <Unavailable shards={unavailableShards} />}
        {events.length > 0 ? (
          <EventTable events={events} />
        ) : (
          <p class="empty">{emptyText(listed, before)}</p>
        )}
        <Pager
          label="Pages of the archive"
          links={[
            before !== undefined && [archivePath(filters.typed), "Newest"],
            next !== null && [archivePath({ ...filters.typed, cursor: cursorText(next) }), "Older"],
          ]}
        />
      </div>
    </section>
  );
}

/** Says that events of these shards are missing from the page. */
function Unavailable({ shards }: { shards: number[] }) {
  const named = shards.length === 1 ? `Event shard ${shards[0]}` : `Event shards ${shards.join(", ")}`;
  return <p class="notice bad">{named} did not respond: events are missing from this page. Try again.</p>;
}

function emptyText({ next }: EventPage, before?: ListCursor): string {
  if (next !== null) return "No matches on this page. There are older events.";
  return before === undefined ? "No events match the filters." : "No older events.";
}

/** The empty state before the first event. */
function NoEvents({ mayPublish }: { mayPublish: boolean }) {
  return (
    <section class="card" aria-labelledby="no-events-title">
      <h2 id="no-events-title">No events yet</h2>
      <p>
        An event is something that happened in Orchest, such as a failed job or a built image. The gateway
        archives each event and delivers it to the webhooks that are subscribed to its type.
      </p>
      <p>
        Events come from Orchest (add one webhook in its settings, as the README describes), from{" "}
        <code>POST /api/events</code>, or from a queue.
      </p>
      {mayPublish ? (
        <>
          <p>To try it, publish a sample event of any type.</p>
          <a class="button primary" href="/events/new">
            Publish sample event
          </a>
        </>
      ) : (
        <p class="muted">
          Publishing a sample requires a token with the scope <code>events:publish</code>.
        </p>
      )}
    </section>
  );
}
