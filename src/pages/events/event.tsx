/** `GET /events/{uuid}`: one event: its deliveries, facts and payload. */
import { allows, mayReadTexts } from "../../auth/scopes";
import type { EventNames, FullArchivedEvent } from "../../events/archived-event";
import { namesIn } from "../../events/event-names";
import { findEvent } from "../../events/find-event";
import { indentJson } from "../../send/indent-json";
import { RequestError } from "../../platform/errors";
import { isPublishable } from "../../events/types";
import { deliveriesOf } from "../../events/deliveries-of-event";
import { publisherName } from "../../auth/publisher-name";
import type { Router } from "../../http/router";
import { signedIn } from "../current-user";
import { renderPage } from "../layout";
import { CopyButton } from "../parts/copy-button";
import { OutcomeNotice, takeOutcome } from "../parts/outcome";
import { EventSentence } from "../parts/event-sentence";
import { Fact } from "../parts/fact";
import { ScopeRequired } from "../parts/scope-required";
import { Time } from "../parts/time";
import { Breadcrumbs } from "../parts/breadcrumbs";
import { EventDeliveries } from "./event-deliveries";
import { Subject } from "./event-table";
import { copyPath } from "./paths";

/** Adds the page to `router`. */
export function eventPage(router: Router): void {
  router.get("/events/:uuid", signedIn("webhooks:read"), async (c) => {
    const event = await findEvent(c.env, c.req.param("uuid").toLowerCase());
    if (event === null) {
      throw new RequestError(404, "Event not found. It may have been deleted after its retention period.");
    }
    const hasTexts = mayReadTexts(c.var.caller);
    const [{ deliveries, complete }, publisher] = await Promise.all([
      deliveriesOf(c.env, event),
      publisherName(c.env, event.publisher),
    ]);
    const mayPublish = allows(c.var.caller.scopes, "events:publish");
    const mayRepeat = mayPublish && hasTexts && isPublishable(event.type);

    return renderPage(
      c,
      {
        title: `Event ${event.type}`,
        user: c.var.caller,
        section: "/events",
        scripts: ["/live.js", "/copy.js"],
      },
      <>
        <div class="page-header">
          <div>
            <Breadcrumbs links={{ "/events": "Events" }} />
            <h1 class="event-title">{event.type}</h1>
          </div>
          {mayRepeat && (
            <a class="button" href={copyPath(event.uuid)}>
              Publish a copy
            </a>
          )}
        </div>
        <OutcomeNotice outcome={takeOutcome(c)} />
        {hasTexts && <EventSentence env={c.env} text={event.body} />}
        <EventDeliveries event={event} deliveries={deliveries} isComplete={complete} />
        <Facts event={event} names={hasTexts ? namesIn(event.body) : undefined} publisher={publisher} />
        <Payload text={hasTexts ? event.body : null} />
      </>,
    );
  });
}

function Facts({
  event,
  names,
  publisher,
}: {
  event: FullArchivedEvent;
  names?: EventNames;
  publisher: string | null;
}) {
  const publishedBy = publisher ?? event.publisher;
  return (
    <section class="card" aria-labelledby="event-facts-title">
      <h2 id="event-facts-title">Event</h2>
      <dl class="facts">
        <Fact label="Accepted">
          <Time at={event.accepted_at} />
        </Fact>
        <Fact label="Published by">{publishedBy ?? <span class="muted">Unknown</span>}</Fact>
        <Fact label="Timestamp">{event.timestamp}</Fact>
        <Fact label="Project">
          <Subject what="project" name={names?.project ?? null} uuid={event.project_uuid} />
        </Fact>
        <Fact label="Job">
          <Subject what="job" name={names?.job ?? null} uuid={event.job_uuid} />
        </Fact>
        <Fact label="UUID">
          <code>{event.uuid}</code>
        </Fact>
      </dl>
    </section>
  );
}

/** @param props.text null when the caller may not read it. */
function Payload({ text }: { text: string | null }) {
  if (text === null) {
    return (
      <section class="card" aria-labelledby="event-payload-title">
        <h2 id="event-payload-title">Payload</h2>
        <ScopeRequired what="The payload is" />
      </section>
    );
  }
  return (
    <section class="card" aria-labelledby="event-payload-title">
      <div class="row spread">
        <h2 id="event-payload-title">Payload</h2>
        <CopyButton of="event-payload" what="the payload" />
      </div>
      <pre id="event-payload" tabindex={0} aria-label="Payload, formatted">
        {indentJson(text)}
      </pre>
      <details>
        <summary>Raw payload</summary>
        <pre tabindex={0} aria-label="Raw payload">
          {text}
        </pre>
      </details>
    </section>
  );
}
