import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { archived, eventTextIn, eventUuidsIn, makeEvent, makeEvents, makeListener, publish } from "../event";
import type { PublishAnswer, PublishRequest } from "../../src/events/shard/types";
import { consume, rejected } from "../queue";
import { receiver, type Received } from "../receiver";

let received: Received[];

beforeEach(async () => {
  ({ received } = receiver());
  await makeListener();
});

/** Waits until so many arrived. @returns the uuids of their events. */
async function arrived(count: number): Promise<string[]> {
  await vi.waitFor(() => expect(received).toHaveLength(count));
  return eventUuidsIn(received);
}

const at = (timestamp: string): ReturnType<typeof makeEvent> => makeEvent({ timestamp });

describe("a queue message", () => {
  it.each([
    ["a structured body", (event: object): unknown => event],
    ["a text", (event: object): unknown => JSON.stringify(event)],
    ["bytes", (event: object): unknown => new TextEncoder().encode(JSON.stringify(event)).buffer],
    ["a view of bytes", (event: object): unknown => new TextEncoder().encode(JSON.stringify(event))],
  ])("may hold an event as %s", async (_, bodyOf) => {
    const event = makeEvent({ name: "Größe 語" });
    expect(await consume([bodyOf(event)])).toEqual({ acked: ["message-0"], retried: [] });
    expect(await arrived(1)).toEqual([event.uuid]);
    expect((await archived())[0]?.body).toBe(JSON.stringify(event));
  });

  it.each([
    ["a structured body", (events: object[]): unknown => events],
    ["a text", (events: object[]): unknown => JSON.stringify(events)],
  ])("may hold up to 100 events as %s, and keeps their order", async (_, bodyOf) => {
    const events = makeEvents(100);
    await consume([bodyOf(events)]);
    expect(await arrived(100)).toEqual(events.map(({ uuid }) => uuid));
  });

  it.each([
    ["a text", (text: string): unknown => text],
    ["bytes", (text: string): unknown => new TextEncoder().encode(text)],
  ])("keeps the event's text when it is %s", async (_, bodyOf) => {
    const text = `{"big": 12345678901234567890, "one": 1.0, ${JSON.stringify(makeEvent()).slice(1)}`;
    await consume([bodyOf(` ${text}\n`)]);
    await arrived(1);
    expect(eventTextIn(received[0]?.body ?? "")).toBe(text);
  });

  it("that comes again is acknowledged, and delivered once", async () => {
    const [event, barrier] = [makeEvent(), makeEvent()];
    await consume([event]);
    expect(await consume([event])).toEqual({ acked: ["message-0"], retried: [] });
    await consume([barrier]);
    expect(await arrived(2)).toEqual([event.uuid, barrier.uuid]);
  });

  it("that repeats an event of the HTTPS API is delivered once", async () => {
    const [event, barrier] = [makeEvent(), makeEvent()];
    await publish(event);
    await consume([event, barrier]);
    expect(await arrived(2)).toEqual([event.uuid, barrier.uuid]);
  });
});

describe("a batch", () => {
  it("is put in the order of its timestamps, to the microsecond", async () => {
    const sorted = [
      at("2022-06-02 16:12:24.999999+00:00"),
      at("2022-06-02 16:12:25+00:00"),
      at("2022-06-02 16:12:25.000001+00:00"),
      at("2022-06-02 16:12:25.242591+00:00"),
      at("2022-06-02 16:12:25.242592+00:00"),
      at("2022-06-02T16:12:25.5Z"),
      at("2022-06-02 18:12:25.6+02:00"),
    ];
    const order = [6, 0, 3, 1, 5, 4, 2];
    await consume(order.map((place) => sorted[place]));
    expect(await arrived(7)).toEqual(sorted.map(({ uuid }) => uuid));
  });

  it("keeps the order of messages with the same timestamp", async () => {
    const events = makeEvents(30);
    await consume(events);
    expect(await arrived(30)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("keeps the order inside a message, which stands where its first event does", async () => {
    const [early, late, between] = [
      at("2022-06-02 16:00:01+00:00"),
      at("2022-06-02 16:00:03+00:00"),
      at("2022-06-02 16:00:02+00:00"),
    ];
    await consume([between, [late, early]]);
    expect(await arrived(3)).toEqual([between, late, early].map(({ uuid }) => uuid));
  });

  it("may hold more events than are dispatched at once", async () => {
    const events = makeEvents(250);
    const messages = [events.slice(0, 90), events.slice(90, 180), events[180], events.slice(181)];
    expect(await consume(messages)).toMatchObject({ retried: [] });
    expect(await arrived(250)).toEqual(events.map(({ uuid }) => uuid));
  });
});

describe("a queue message that cannot be used", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;

  it.each<[string, unknown, RegExp]>([
    ["malformed JSON", "{", /not valid JSON/],
    ["an empty text", "", /not valid JSON/],
    ["null", null, /must be an object/],
    ["a number", 7, /must be an object/],
    ["no event at all", [], /1 to 100 events/],
    ["101 events", makeEvents(101), /1 to 100 events, not 101/],
    ["an event without a uuid", makeEvent({ uuid: undefined }), /^uuid: /],
    ["a ping", makeEvent({ type: "ping" }), /^type: /],
    ["an array with one wrong event", [makeEvent(), makeEvent({ type: "x" })], /^events\[1\]: type: /],
    ["bytes that are not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), /not valid UTF-8/],
    ["what only looks like the gateway's word to itself", { handover: "soon" }, /./],
    ["a map", new Map([["uuid", 1]]), /^uuid: /],
    ["an integer that JSON does not have", makeEvent({ big: 1n }), /./],
    ["an object within itself", { ...makeEvent(), cyclic }, /./],
  ])(
    "because it holds %s is kept with the reason and acknowledged; the others are delivered",
    async (_, body, reason) => {
      const [first, last] = [makeEvent(), makeEvent()];
      const settled = await consume([first, body, last]);
      expect(settled.retried).toEqual([]);
      expect(settled.acked.toSorted()).toEqual(["message-0", "message-1", "message-2"]);
      expect(await rejected()).toEqual([
        { message_id: "message-1", reason: expect.stringMatching(reason), body: expect.any(String) },
      ]);
      expect(await arrived(2)).toEqual([first.uuid, last.uuid]);
    },
  );

  it("is kept as it came", async () => {
    await consume(["{ 'single': quotes }", { uuid: 1 }, new TextEncoder().encode("bytes")]);
    expect((await rejected()).map(({ body }) => body)).toEqual([
      "{ 'single': quotes }",
      '{"uuid":1}',
      "bytes",
    ]);
  });

  it("because its uuid is known with another text is kept; the others are delivered", async () => {
    const [known, first, last] = [makeEvent({ note: "first" }), makeEvent(), makeEvent()];
    await publish(known);
    const settled = await consume([first, { ...known, note: "second" }, last]);
    expect(settled.retried).toEqual([]);
    expect(settled.acked.toSorted()).toEqual(["message-0", "message-1", "message-2"]);
    expect(await rejected()).toEqual([
      {
        message_id: "message-1",
        reason: expect.stringContaining(known.uuid),
        body: JSON.stringify({ ...known, note: "second" }),
      },
    ]);
    expect(await arrived(3)).toEqual([known.uuid, first.uuid, last.uuid]);
  });

  it("because it contradicts another one in its batch is kept; the first counts", async () => {
    const event = makeEvent({ note: "first" });
    await consume([event, { ...event, note: "second" }]);
    expect(await rejected()).toMatchObject([{ message_id: "message-1" }]);
    expect((await archived()).map(({ body }) => body)).toEqual([JSON.stringify(event)]);
  });

  it("delays no other while D1 hangs, and is retried then", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const hanging = vi.spyOn(env.DB, "batch").mockReturnValue(new Promise(() => undefined));
    const event = makeEvent();
    const settled = consume(["{", event, { handover: 1 }]);
    expect(await arrived(1)).toEqual([event.uuid]);
    await vi.waitFor(() => expect(hanging).toHaveBeenCalled());
    await vi.advanceTimersByTimeAsync(5000);
    expect(await settled).toEqual({ acked: ["message-1"], retried: ["message-0", "message-2"] });
    vi.useRealTimers();
  });

  it("is kept once, also when an earlier attempt kept it without knowing", async () => {
    await consume(["{"]);
    expect(await consume(["{"], "events", 2)).toEqual({ acked: ["message-0"], retried: [] });
    expect(await rejected()).toHaveLength(1);
  });

  it("is retried, not lost, when it cannot be kept", async () => {
    vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1 is down"));
    expect(await consume(["{"])).toEqual({ acked: [], retried: ["message-0"] });
  });
});

function breakShards(): { mockRestore: () => void } {
  return vi.spyOn(env.SHARDS, "getByName").mockImplementation(() => {
    throw new Error("The shard is gone.");
  });
}

describe("when the event shards fail", () => {
  it("no message is acknowledged, all are retried", async () => {
    breakShards();
    const { acked, retried } = await consume([makeEvent(), makeEvents(3)]);
    expect(acked).toEqual([]);
    expect(retried.toSorted()).toEqual(["message-0", "message-1"]);
    expect(received).toEqual([]);
  });

  it("the retry delivers everything, once", async () => {
    const events = makeEvents(5);
    const down = breakShards();
    await consume(events);
    down.mockRestore();
    expect(await consume(events)).toMatchObject({ retried: [] });
    expect(await arrived(5)).toEqual(events.map(({ uuid }) => uuid));
  });

  it("a publisher over HTTPS gets a 503 that says when to repeat the event", async () => {
    const event = makeEvent();
    const down = breakShards();
    const { status, headers } = await publish(event);
    expect([status, headers.get("Retry-After")]).toEqual([503, "1"]);
    down.mockRestore();
    expect((await publish(event)).body.accepted[0]).toMatchObject({ duplicate: false, deliveries: 1 });
    expect(await arrived(1)).toEqual([event.uuid]);
  });
});

/** Stands between dispatch and the event shards when they publish, for the rest of the test. */
function interceptPublish(
  fault: (request: PublishRequest, passOn: () => Promise<PublishAnswer>) => Promise<PublishAnswer>,
): void {
  const getByName = env.SHARDS.getByName.bind(env.SHARDS);
  vi.spyOn(env.SHARDS, "getByName").mockImplementation((name) => {
    const stub = getByName(name);
    const publish = (request: PublishRequest): Promise<PublishAnswer> =>
      fault(request, async () => stub.publish(request));
    return new Proxy(stub, {
      get: (target, key) => (key === "publish" ? publish : Reflect.get(target, key)),
    });
  });
}

describe("a batch", () => {
  it("is dispatched in requests of up to a megabyte", async () => {
    const sizes: number[] = [];
    interceptPublish((request, passOn) => {
      sizes.push(request.events.length);
      return passOn();
    });
    const messages = Array.from({ length: 30 }, () => makeEvent({ pad: "x".repeat(90_000) }));
    expect((await consume(messages)).acked).toHaveLength(30);
    // Three requests of up to eleven events: in one of thirty, a shard would get fifteen or more.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(11);
    expect(sizes.length).toBeLessThanOrEqual(3 * Number(env.EVENT_SHARDS));
    expect(await arrived(30)).toEqual(messages.map(({ uuid }) => uuid));
  });

  it("with messages that conflict has those dispatched alone, and the others together, in order", async () => {
    const [known, events] = [makeEvents(2), makeEvents(30)];
    await publish(known);
    const [first, second] = known.map((event) => ({ ...event, note: "another text" }));
    const sizes: number[] = [];
    interceptPublish((request, passOn) => {
      sizes.push(request.events.length);
      return passOn();
    });
    const settled = await consume([
      ...events.slice(0, 10),
      first,
      ...events.slice(10, 20),
      second,
      ...events.slice(20),
    ]);
    expect(settled.retried).toEqual([]);
    expect(settled.acked).toHaveLength(32);
    expect((await rejected()).map(({ message_id }) => message_id).toSorted()).toEqual([
      "message-10",
      "message-21",
    ]);
    // Conflicts across shards are found before publishing. Of the rest, three requests of ten, and two of one.
    expect(sizes.length).toBeLessThanOrEqual(3 * Number(env.EVENT_SHARDS) + 2);
    expect(await arrived(32)).toEqual([...known, ...events].map(({ uuid }) => uuid));
  });

  it("with a message that fails by itself has only that one retried", async () => {
    const events = makeEvents(4);
    const poison = events[2]?.uuid ?? "";
    interceptPublish(async (_, passOn) => {
      const answer = await passOn();
      // It is left out of the answer: none of the caller's fault, and none that it knows.
      if (answer.outcome !== "archived") return answer;
      return { ...answer, events: answer.events.filter(({ uuid }) => uuid !== poison) };
    });
    expect(await consume(events)).toMatchObject({ retried: ["message-2"] });
    expect(await arrived(3)).toEqual(events.filter(({ uuid }) => uuid !== poison).map(({ uuid }) => uuid));
  });
});
