/** `GET /events`: the archive of events, with filters, in pages. */
import type { Context } from "hono";
import { allows, mayReadTexts } from "../../auth/scopes";
import { type ArchivePage, listArchive, readEventNames } from "../../events/archive-list";
import { cursorParamSchema } from "../../http/list-params";
import type { AppEnv } from "../../auth/app-env";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { Pager } from "../parts/pager";
import { Time } from "../parts/time";
import { EventTable, type NamedEvent } from "./event-table";
import { FilterForm, type Filters, isFiltered, readFilters } from "./filters";
import { archivePath } from "./paths";

const pageSize = 25;

/** A page of the archive with the names of projects and jobs; null when a filter is invalid. */
type Listed = { page: ArchivePage; events: NamedEvent[] } | null;

/** Adds the page to `router`. */
export function eventList(router: Router): void {
  router.get("/events", signedIn("webhooks:read"), async (c) => {
    const filters = readFilters((name) => c.req.query(name));
    const before = cursorParamSchema.safeParse(c.req.query("cursor")).data;
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
        {listed !== null && listed.page.reachesBackTo === null && !isFiltered(filters) ? (
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

async function list(c: Context<AppEnv>, { query, errors }: Filters, before?: number): Promise<Listed> {
  if (Object.keys(errors).length > 0) return null;
  const page = await listArchive(c.env.DB, { ...query, limit: pageSize, before });
  // The names are part of the payloads.
  const ids = mayReadTexts(c.var.caller) ? page.events.map(({ id }) => id) : [];
  const names = await readEventNames(c.env.DB, ids);
  const none = { project: null, job: null };
  return { page, events: page.events.map((event) => ({ event, names: names.get(event.id) ?? none })) };
}

function Found({ listed, filters, before }: { listed: Listed; filters: Filters; before?: number }) {
  if (listed === null) {
    return (
      <p class="notice bad">
        No events are listed because a filter is invalid. See the error below the field.
      </p>
    );
  }
  const { page, events } = listed;
  return (
    <section class="card" aria-labelledby="archive-title">
      <h2 id="archive-title">Archive</h2>
      <div class="stack">
        {page.reachesBackTo !== null && (
          <p class="muted small">
            Newest first. The oldest event was accepted <Time at={page.reachesBackTo} />.
          </p>
        )}
        {events.length > 0 ? <EventTable events={events} /> : <p class="empty">{emptyText(page, before)}</p>}
        <Pager
          label="Pages of the archive"
          links={[
            before !== undefined && [archivePath(filters.typed), "Newest"],
            page.next !== null && [archivePath({ ...filters.typed, cursor: String(page.next) }), "Older"],
          ]}
        />
      </div>
    </section>
  );
}

function emptyText({ next }: ArchivePage, before?: number): string {
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
        Events come from Orchest (add one webhook in its settings, see the README), from{" "}
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
