import { beforeEach, describe, expect, it, vi } from "vitest";
import { parseEvents } from "../../../src/events/parse-events";
import { orchestEventTypes } from "../../../src/events/types";
import { stopClock } from "../../clock";
import { archived, eventUuidsIn, makeEvent, makeListener, publish } from "../../event";
import { receiver } from "../../receiver";
import { follow, get, type Page, post } from "../page";
import { audited, reader } from "../webhooks/people";
import { publisher } from "./publisher";

beforeEach(stopClock);

/** What is in the textarea. */
function textIn({ html }: Page): string {
  const [, text = ""] = /<textarea[^>]*>([^<]*)<\/textarea>/.exec(html) ?? [];
  return text
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function chosenIn({ html }: Page): string | undefined {
  return /<option value="([^"]*)" selected/.exec(html)?.[1];
}

function send(event: string, cookie: string): Promise<Page> {
  return post("/events/new", { type: "project:created", event }, { cookie });
}

describe("GET /events/new", () => {
  it("offers all of Orchest's types, and begins with a sample that can be published", async () => {
    const page = await get("/events/new", await publisher());
    expect(page.status).toBe(200);
    const offered = [...page.html.matchAll(/<option value="([^"]*)"/g)].map(([, type]) => type);
    expect(offered).toHaveLength(59);
    expect(new Set(offered)).toEqual(new Set(orchestEventTypes));
    expect(parseEvents(textIn(page))).toMatchObject({ events: [{ type: chosenIn(page) }] });
  });

  it("fills in the type that was chosen, with a new uuid each time and the time of now", async () => {
    const path = "/events/new?type=project:cron-job:run:failed";
    const cookie = await publisher();
    const pages = [await get(path, cookie), await get(path, cookie)];
    expect(pages.map(chosenIn)).toEqual(Array(2).fill("project:cron-job:run:failed"));
    const [first, second] = pages.map((page) => JSON.parse(textIn(page)) as Record<string, unknown>);
    expect(first?.["type"]).toBe("project:cron-job:run:failed");
    expect(first?.["timestamp"]).toMatch(/^2040-01-01 00:00:0\d\.\d{6}\+00:00$/);
    expect(first?.["uuid"]).not.toBe(second?.["uuid"]);
  });

  it.each([
    ["project:creatd", /Did you mean project:created/],
    ["webhook:disabled", /event type cannot be published/],
  ])("says beside the field that %s cannot be published", async (type, sentence) => {
    const { status, html } = await get(`/events/new?type=${type}`, await publisher());
    expect(status).toBe(400);
    expect(html).toMatch(/<select[^>]*aria-describedby="type-error"/);
    expect(/id="type-error">([^<]*)</.exec(html)?.[1]).toMatch(sentence);
  });

  it("copies an event digit for digit, with a uuid of its own wherever it stood and the time of now", async () => {
    const { uuid } = makeEvent();
    const text = `{"uuid":"${uuid.toUpperCase()}","type":"project:pipeline:created","project":{"pipeline":{"uuid":"${uuid}","timestamp":"old"}},"timestamp":"2022-06-02 16:12:25+00:00","exact":1.0}`;
    await publish(text);
    const page = await get(`/events/new?like=${uuid}`, await publisher());
    const copy = JSON.parse(textIn(page)) as { uuid: string; project: unknown; timestamp: string };
    expect(copy.uuid).not.toBe(uuid);
    expect(copy.project).toEqual({ pipeline: { uuid: copy.uuid, timestamp: "old" } });
    expect(copy.timestamp).toMatch(/^2040-01-01/);
    expect(textIn(page)).toContain('"exact": 1.0');
    expect(chosenIn(page)).toBe("project:pipeline:created");
  });

  it("begins with a sample where the event to copy is gone", async () => {
    const page = await get(`/events/new?like=${crypto.randomUUID()}`, await publisher());
    expect(page.status).toBe(200);
    expect(parseEvents(textIn(page))).toHaveProperty("events");
  });

  it("shows those who may not publish a sample, and says which scope it takes", async () => {
    const page = await get("/events/new", await reader());
    expect(page.status).toBe(200);
    expect(page.html).toContain("<code>events:publish</code>");
    expect(page.html).toMatch(/<textarea[^>]* readonly/);
    expect(page.html).not.toContain(">Publish</button>");
  });
});

describe("POST /events/new", () => {
  it("publishes what was typed, and redirects to the event with the number of deliveries", async () => {
    const { received } = receiver();
    await makeListener();
    const cookie = await publisher();
    const event = makeEvent();
    const text = JSON.stringify(event, null, 2);
    // As browsers send it.
    const answer = await send(` ${text.replaceAll("\n", "\r\n")}\r\n`, cookie);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("Location")).toBe(`/events/${event.uuid}`);
    const { html } = await follow(answer, cookie);
    expect(html).toContain("Published. Delivering to 1 webhook.");
    await vi.waitFor(() => expect(eventUuidsIn(received)).toEqual([event.uuid]));
    expect(await archived()).toEqual([{ uuid: event.uuid, body: text }]);
  });

  it("is a duplicate when it is sent again, and is not delivered twice", async () => {
    const { received } = receiver();
    await makeListener();
    const cookie = await publisher();
    const text = JSON.stringify(makeEvent());
    await send(text, cookie);
    const again = await follow(await send(text, cookie), cookie);
    expect(again.html).toContain("An event with this UUID was already published.");
    expect(await archived()).toHaveLength(1);
    await vi.waitFor(() => expect(received).toHaveLength(1));
  });

  it("says when no webhook is subscribed", async () => {
    const cookie = await publisher();
    const { html } = await follow(await send(JSON.stringify(makeEvent()), cookie), cookie);
    expect(html).toContain("Published. No webhook is subscribed.");
  });

  it("takes several events at once, and leads to the archive", async () => {
    const cookie = await publisher();
    const answer = await send(JSON.stringify([makeEvent(), makeEvent()]), cookie);
    expect(answer.headers.get("Location")).toBe("/events");
    expect((await follow(answer, cookie)).html).toContain("2 events were published.");
  });

  it.each([
    ["", "The event is empty."],
    ["{", "The body is not valid JSON."],
    [
      '{"uuid":"x","type":"project:created","timestamp":"<now>"}',
      "uuid: must be a UUID. timestamp: must be a time",
    ],
  ])(
    "of %j says beside the field what is wrong, keeps the text and publishes nothing",
    async (text, sentence) => {
      const page = await send(text, await publisher());
      expect(page.status).toBe(400);
      expect(page.html).toMatch(/<textarea[^>]*aria-describedby="event-hint event-error"/);
      expect(/id="event-error">([^<]*)</.exec(page.html)?.[1]).toContain(sentence);
      expect(textIn(page)).toBe(text);
      expect(chosenIn(page)).toBe("project:created");
      expect(await archived()).toEqual([]);
    },
  );

  it("of a known uuid with another text is refused, and keeps the text", async () => {
    const event = makeEvent();
    await publish(event);
    const text = JSON.stringify({ ...event, more: "</textarea>" });
    const page = await send(text, await publisher());
    expect(page.status).toBe(409);
    expect(page.html).toContain("A repeat must have the same text; a new event needs a new uuid.");
    expect(textIn(page)).toBe(text);
  });

  it("is refused to those who may not publish", async () => {
    const { status, html } = await send(JSON.stringify(makeEvent()), await reader());
    expect(status).toBe(403);
    expect(html).toContain("<code>events:publish</code>");
    expect(await archived()).toEqual([]);
  });

  it("is written into the audit log", async () => {
    await send(JSON.stringify(makeEvent()), await publisher());
    expect(await audited()).toContain("event.published");
  });
});
