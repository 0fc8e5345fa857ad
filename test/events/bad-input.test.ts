import { listDurableObjectIds } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { api } from "../api";
import { archived, makeEvent, makeListener, publish, publishRequest } from "../event";
import { captureLog } from "../receiver";
import { forAll } from "../for-all";

const kibibyte = 1024;
const eventBytesMax = 100 * kibibyte;

/** An event whose text takes so many bytes. */
function eventOf(bytes: number): string {
  const note = "x".repeat(bytes - JSON.stringify(makeEvent({ note: "" })).length);
  return JSON.stringify(makeEvent({ note }));
}

/** An event that lacks a field. */
const without = (field: string): string => JSON.stringify({ ...makeEvent(), [field]: undefined });

/** Every lane that was ever called: those of other files too. */
const lanes = async (): Promise<string[]> => (await listDurableObjectIds(env.LANES)).map(String).toSorted();
let lanesBefore: string[];

/** Nothing may have changed: nothing archived, and no other lane made. */
async function expectNothing(): Promise<void> {
  expect(await archived()).toEqual([]);
  expect(await lanes()).toEqual(lanesBefore);
}

beforeEach(async () => {
  captureLog();
  await makeListener();
  lanesBefore = await lanes();
});

describe("an event that is refused, and leaves no trace,", () => {
  it("is refused by a sentence that names the field and what is wrong", () =>
    forAll(
      [
        ["is malformed JSON", '{"uuid":', /^The body is not valid JSON/],
        ["is nothing", "", /^The body is not valid JSON/],
        ["is followed by something", `${JSON.stringify(makeEvent())}x`, /^The body is not valid JSON/],
        ["is a text", '"project:created"', /^An event must be an object/],
        ["is a number", "1", /^An event must be an object/],
        ["is null", "null", /^An event must be an object/],
        ["has no type", without("type"), /^type: /],
        ["has a timestamp that is null", makeEvent({ timestamp: null }), /^timestamp: /],
        ["has a uuid that is a number", makeEvent({ uuid: 1 }), /^uuid: /],
        ["has a uuid that is null", makeEvent({ uuid: null }), /^uuid: /],
        ["has a uuid that is none", makeEvent({ uuid: "not-a-uuid" }), /^uuid: must be a UUID/],
        ["has a uuid with something behind it", makeEvent({ uuid: `${crypto.randomUUID()}0` }), /^uuid: /],
        ["has a type that is a list", makeEvent({ type: ["project:created"] }), /^type: /],
        ["has an empty type", makeEvent({ type: "" }), /^type: /],
        [
          "has a timestamp that is a number",
          makeEvent({ timestamp: 1654186345 }),
          /^timestamp: .*2022-06-02/,
        ],
        [
          "has a timestamp that is no time",
          makeEvent({ timestamp: "yesterday" }),
          /^timestamp: .*2022-06-02/,
        ],
        ["has a month 13", makeEvent({ timestamp: "2022-13-02 16:12:25+00:00" }), /^timestamp: /],
        ["has a project that is a text", makeEvent({ project: "mine" }), /^project: must be an object/],
        ["has a project that is a list", makeEvent({ project: [] }), /^project: must be an object/],
        ["has a project's uuid that is none", makeEvent({ project: { uuid: "mine" } }), /^project\.uuid: /],
        [
          "has a job that is a text",
          makeEvent({ project: { job: "mine" } }),
          /^project\.job: must be an object/,
        ],
        [
          "has a job's uuid that is none",
          makeEvent({ project: { job: { uuid: 7 } } }),
          /^project\.job\.uuid: /,
        ],
        [
          "is a ping",
          makeEvent({ type: "ping" }),
          /^type: "ping" is not an event type that can be published/,
        ],
        [
          "is of the gateway",
          makeEvent({ type: "webhook:disabled" }),
          /^type: "webhook:disabled" is not an event/,
        ],
        [
          "is of a type that is nearly right",
          makeEvent({ type: "project:craeted" }),
          /^type: "project:craeted" is not an .* Did you mean project:created\b/,
        ],
        ["is of a type in other letters", makeEvent({ type: "Project:Created" }), /^type: .*project:created/],
        ["is of a type with white space", makeEvent({ type: "project:created " }), /^type: /],
        [
          "has its fields hidden behind a prototype",
          `{"__proto__":${JSON.stringify(makeEvent())}}`,
          /^type: /,
        ],
        ["is in an array in an array", [[makeEvent()]], /^events\[0\]: An event must be an object/],
        [
          "takes a byte more than 100 KiB",
          eventOf(eventBytesMax + 1),
          /must be at most 102400 bytes, not 102401/,
        ],
      ],
      async (_, event, message) => {
        const { status, body } = await publish(event);
        expect(status).toBe(400);
        expect(body).toEqual({ message: expect.stringMatching(message) });
        await expectNothing();
      },
    ));

  it("is the second in an array, which is refused as a whole and says which", async () => {
    const { status, body } = await publish([makeEvent(), makeEvent({ uuid: "no" }), makeEvent()]);
    expect(status).toBe(400);
    expect(body.message).toMatch(/^events\[1\]: uuid: must be a UUID/);
    await expectNothing();
  });

  it("is too large because of its characters, not their number", async () => {
    const { status, body } = await publish(makeEvent({ note: "語".repeat(35_000) }));
    expect(status).toBe(400);
    expect(body.message).toMatch(/^An event must be at most 102400 bytes, not 105/);
    await expectNothing();
  });
});

describe("a body that is refused, and leaves no trace,", () => {
  it("is not UTF-8", async () => {
    const event = new TextEncoder().encode(JSON.stringify(makeEvent({ note: "x" })));
    event[event.indexOf("x".charCodeAt(0), event.length - 4)] = 0xff;
    const response = await exports.default.fetch(publishRequest(event));
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message: "The body is not valid UTF-8." });
    await expectNothing();
  });

  it("takes a byte more than 1 MiB", async () => {
    const event = JSON.stringify(makeEvent());
    const { status, body } = await publish(event + " ".repeat(kibibyte ** 2 + 1 - event.length));
    expect(status).toBe(413);
    expect(body.message).toContain("1 MiB");
    await expectNothing();
  });

  it("claims to be something else than JSON", () =>
    forAll(["text/plain", "application/x-www-form-urlencoded"], async (type) => {
      const { status, body } = await api("POST", "/api/events", makeEvent(), {
        headers: { "Content-Type": type },
      });
      expect(status).toBe(415);
      expect(body.message).toContain("application/json");
      await expectNothing();
    }));
});

describe("what is just within the limits is accepted:", () => {
  it("an event of exactly 100 KiB", async () => {
    const event = eventOf(eventBytesMax);
    expect((await publish(event)).status).toBe(202);
    expect((await archived())[0]?.body).toBe(event);
  });

  it("a body of exactly 1 MiB", async () => {
    const event = JSON.stringify(makeEvent());
    expect((await publish(event + " ".repeat(kibibyte ** 2 - event.length))).status).toBe(202);
    expect((await archived())[0]?.body).toBe(event);
  });

  it("an event with fields that are absent, null, unknown or in another form", () =>
    forAll(
      [
        ["a project that is null", { project: null }],
        ["a project without a uuid", { project: { name: "mine" } }],
        ["a job that is null", { project: { uuid: crypto.randomUUID(), job: null } }],
        ["unknown fields", { anything: { goes: [1, null, "x"] } }],
        ["a timestamp without a fraction", { timestamp: "2022-06-02 16:12:25+00:00" }],
        ["a timestamp in ISO 8601", { timestamp: "2022-06-02T16:12:25.242Z" }],
        ["a time-based uuid", { uuid: "c232ab00-9414-11ec-b3c8-9f6bdeced846" }],
      ],
      async (_, changes) => {
        expect((await publish(makeEvent(changes))).status).toBe(202);
      },
    ));
});
