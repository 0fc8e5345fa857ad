import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { type Answer, api } from "../api";
import {
  type AcceptedAnswer,
  archived,
  eventTextIn,
  eventUuidsIn,
  makeEvent,
  makeListener,
  publish,
} from "../event";
import { keepRejected } from "../../src/events/rejected";
import { forAll } from "../for-all";
import { rejected } from "../queue";
import { captureLog, receiver } from "../receiver";
import { hmacHex } from "../sign";

const secret = env.ORCHEST_INGEST_SECRET;
const path = "/api/events/orchest";
const form = "application/x-www-form-urlencoded";
const deliveredFor = JSON.stringify({ name: "gateway", uuid: crypto.randomUUID(), type: "webhook" });

type IngestAnswer = Answer<AcceptedAnswer & { message: string }>;

/** Sends a body as Orchest would. */
async function send(body: string, contentType: string, signature?: string): Promise<IngestAnswer> {
  const signed = signature ?? (await hmacHex(secret, body));
  return api("POST", path, body, {
    token: null,
    headers: { "Content-Type": contentType, "X-Hub-Signature": signed, "User-Agent": "Orchest" },
  });
}

const asJson = (event: string): string => `{"delivered_for": ${deliveredFor}, "event": ${event}}`;
const asForm = (event: string): string =>
  new URLSearchParams({ delivered_for: deliveredFor, event }).toString();

const kinds: [string, string, (event: string) => string][] = [
  ["JSON", "application/json", asJson],
  ["a form", form, asForm],
];

describe.each(kinds)("a delivery of Orchest's own webhook, in %s,", (_, contentType, wrap) => {
  it("publishes its event, without a token", async () => {
    const { received } = receiver();
    await makeListener();
    const event = makeEvent();
    const { status, body } = await send(wrap(JSON.stringify(event)), contentType);
    expect(status).toBe(202);
    expect(body).toEqual({ accepted: [{ uuid: event.uuid, duplicate: false, deliveries: 1 }] });
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(eventUuidsIn(received)).toEqual([event.uuid]);
  });

  it("passes the event's text on unchanged", async () => {
    const { received } = receiver();
    await makeListener();
    const text = `{"big": 12345678901234567890, "one": 1.0, "name": "語 & = + % \\u0041", "event": {"event": 1}, ${JSON.stringify(makeEvent()).slice(1)}`;
    await send(wrap(text), contentType);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    expect(eventTextIn(received[0]?.body ?? "")).toBe(text);
    expect((await archived())[0]?.body).toBe(text);
  });

  it("that comes again is a duplicate", async () => {
    const event = JSON.stringify(makeEvent());
    await send(wrap(event), contentType);
    expect((await send(wrap(event), contentType)).body.accepted[0]?.duplicate).toBe(true);
    expect((await publish(event)).body.accepted[0]?.duplicate).toBe(true);
  });

  it("is answered and not published when it is a ping", async () => {
    const { status, body } = await send(wrap(JSON.stringify(makeEvent({ type: "ping" }))), contentType);
    expect(status).toBe(200);
    expect(body).toEqual({ message: "success" });
    expect(await archived()).toEqual([]);
  });

  it.each([
    ["is missing", ""],
    ["is of another secret", "0".repeat(64)],
    ["is no hex", "x".repeat(64)],
    ["is too short", "00"],
  ])("is refused when its signature %s", async (_case, signature) => {
    const { status, body } = await send(wrap(JSON.stringify(makeEvent())), contentType, signature);
    expect(status).toBe(401);
    expect(body.message).toContain("X-Hub-Signature");
    expect(await archived()).toEqual([]);
  });

  it("is refused when its body was changed on the way", async () => {
    const body = wrap(JSON.stringify(makeEvent()));
    const signature = await hmacHex(secret, body);
    expect((await send(`${body} `, contentType, signature)).status).toBe(401);
    expect(await archived()).toEqual([]);
  });

  it("is kept with the reason when its event cannot be used, and acknowledged, as Orchest would repeat it for ever", () =>
    forAll(
      [
        ["a field is not valid", JSON.stringify(makeEvent({ uuid: 1 })), /^uuid: must be a UUID/],
        ["it has no uuid", '{"type":"project:created"}', /^uuid: /],
        [
          "its type is unknown",
          JSON.stringify(makeEvent({ type: "project:moved" })),
          /^type: .*project:moved/,
        ],
        ["it is too large", JSON.stringify(makeEvent({ note: "x".repeat(102_400) })), /at most 102400 bytes/],
        [
          "it is far too large",
          JSON.stringify(makeEvent({ note: "x".repeat(1_500_000) })),
          /at most 102400 bytes/,
        ],
        ["it holds NaN", `{"loss": NaN, ${JSON.stringify(makeEvent()).slice(1)}`, /not valid JSON/],
        [
          "it holds Infinity",
          `{"loss": -Infinity, ${JSON.stringify(makeEvent()).slice(1)}`,
          /not valid JSON/,
        ],
        [
          "a field is repeated",
          `{"uuid": "x", ${JSON.stringify(makeEvent()).slice(1)}`,
          /^uuid: must not be repeated/,
        ],
      ],
      async (_case, event, reason) => {
        captureLog();
        await env.DB.prepare("DELETE FROM rejected").run();
        for (let count = 0; count < 2; count += 1) {
          const { status, body } = await send(wrap(event), contentType);
          expect(status).toBe(200);
          expect(body.message).toMatch(/^Not published, and kept in \/api\/rejected: /);
        }
        const kept = await rejected();
        expect(kept).toMatchObject([{ reason: expect.stringMatching(reason) }]);
        // As it was sent, up to what a row takes.
        expect(wrap(event) + event).toContain(kept[0]?.body);
        expect(await archived()).toEqual([]);
      },
    ));

  it("is kept when its event is known with another text", async () => {
    captureLog();
    const event = makeEvent();
    await publish(event);
    expect((await send(wrap(JSON.stringify({ ...event, note: 1 })), contentType)).status).toBe(200);
    expect(await rejected()).toMatchObject([{ reason: expect.stringContaining(event.uuid) }]);
  });

  it("can be redriven once it can be used", async () => {
    captureLog();
    const event = JSON.stringify(makeEvent());
    await keepRejected(env.DB, [{ messageId: "orchest:1", reason: "type: …", body: event, isExact: true }]);
    const { body } = await api<{ redriven: number }>("POST", "/api/rejected/redrive");
    expect(body.redriven).toBe(1);
    expect((await archived()).map((one) => one.body)).toEqual([event]);
  });
});

it.each([
  ["malformed JSON", "{", "application/json"],
  ["no object", "[]", "application/json"],
  ["nothing", "", "application/json"],
  ["JSON without an event", '{"delivered_for":{}}', "application/json"],
  ["JSON with an event that is null", '{"event":null}', "application/json"],
  ["a form without an event", "delivered_for=1", form],
  ["a form with an event that is no JSON", "event=x", form],
])("a signed body with %s is kept as rejected", async (_, body, contentType) => {
  captureLog();
  expect((await send(body, contentType)).status).toBe(200);
  expect(await rejected()).toMatchObject([
    { reason: expect.stringMatching(/^event: |not valid JSON|must be an object/) },
  ]);
  expect(await archived()).toEqual([]);
});

it("a form with bytes that are not UTF-8 is kept as rejected, since the event would not stay as it was", async () => {
  const body = asForm(JSON.stringify(makeEvent({ note: "x" }))).replace("%22x%22", "%22%FF%22");
  captureLog();
  expect((await send(body, form)).status).toBe(200);
  expect(await rejected()).toMatchObject([{ reason: expect.stringContaining("UTF-8") }]);
  expect(await archived()).toEqual([]);
});

it("a wrong signature is refused before the body is looked at", async () => {
  expect((await send("{", "application/json", "0".repeat(64))).status).toBe(401);
});

it("an API token is no substitute for the signature", async () => {
  expect((await api("POST", path, asJson(JSON.stringify(makeEvent())))).status).toBe(401);
});

describe("what a signed body says", () => {
  const json = "application/json";

  it("does not depend on the header, which is not signed: what begins with { is JSON", async () => {
    const [meant, hidden] = [makeEvent(), makeEvent()];
    const smuggled = `{"event": ${JSON.stringify(meant)}, "x": "&event=${encodeURIComponent(JSON.stringify(hidden))}"}`;
    for (const begin of ["", " ", "\r\n\t ", "\uFEFF", "\uFEFF\n"]) {
      for (const type of [
        form,
        "APPLICATION/X-WWW-FORM-URLENCODED",
        `${form}; charset=utf-8`,
        json,
        "text/plain",
        "",
      ]) {
        const { status, body } = await send(begin + smuggled, type);
        expect({ begin, type, status, uuid: body.accepted[0]?.uuid }).toEqual({
          begin,
          type,
          status: 202,
          uuid: meant.uuid,
        });
      }
    }
    expect(await archived()).toHaveLength(1);
  });

  it("is no event when it is neither JSON nor a form, whatever the header says", async () => {
    captureLog();
    const event = encodeURIComponent(JSON.stringify(makeEvent()));
    for (const [body, type] of [
      [`{"a": 1}&event=${event}`, form],
      [`{&event=${event}`, form],
      [`delivered_for={}&event=${event}`, json],
      [`delivered_for={}&event=${event}`, `${form}2`],
      [`delivered_for={}&event=${event}`, "text/plain"],
    ] as const) {
      const { status } = await send(body, type);
      expect({ body, type, status }).toEqual({ body, type, status: 200 });
    }
    expect(await archived()).toEqual([]);
  });

  it("may be a form by any spelling of the media type", async () => {
    for (const type of [form.toUpperCase(), "Application/X-WWW-Form-urlencoded", ` ${form} ;charset=UTF-8`]) {
      expect((await send(asForm(JSON.stringify(makeEvent())), type)).status).toBe(202);
    }
  });
});

function at(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "000+00:00");
}

describe("a signed body that is sent again by somebody who saw it", () => {
  const dayMs = 86_400_000;
  const wholeFrom = Date.parse("2026-10-01T12:00:00Z");

  /** The archive forgets what was accepted before `wholeFrom`. */
  async function forget(): Promise<void> {
    await env.DB.prepare("INSERT INTO archive_size VALUES (1, 0, 0, ?)").bind(wholeFrom).run();
  }

  it.each(kinds)("is a duplicate while the archive knows its uuid, in %s", async (_, contentType, wrap) => {
    await forget();
    const body = wrap(JSON.stringify(makeEvent({ timestamp: at(wholeFrom) })));
    expect((await send(body, contentType)).body.accepted[0]?.duplicate).toBe(false);
    expect((await send(body, contentType)).body.accepted[0]?.duplicate).toBe(true);
  });

  it.each(kinds)(
    "is acknowledged and not published or kept, and why, once the archive may have forgotten it, in %s",
    async (_, contentType, wrap) => {
      await forget();
      const { logged } = captureLog();
      for (const timestamp of [
        at(wholeFrom - 1),
        at(wholeFrom - 40 * dayMs),
        "2026-10-01T13:59:59.999+02:00",
      ]) {
        const { status, body } = await send(wrap(JSON.stringify(makeEvent({ timestamp }))), contentType);
        expect(status, "Orchest would repeat it for ever").toBe(200);
        expect(body.message).toBe(
          "Not published: timestamp: must not be before 2026-10-01T12:00:00.000Z. Older events are forgotten, so that this one may have been published already.",
        );
      }
      expect(logged()).toContain("event of Orchest rejected");
      expect(await archived()).toEqual([]);
      expect(await rejected()).toEqual([]);
    },
  );

  it("is not published either as one of several", async () => {
    await forget();
    captureLog();
    const events = [makeEvent({ timestamp: at(wholeFrom) }), makeEvent({ timestamp: at(wholeFrom - 1) })];
    const { status, body } = await send(asJson(JSON.stringify(events)), "application/json");
    expect({ status, message: body.message }).toEqual({
      status: 200,
      message: expect.stringMatching(/^Not published: timestamp: /),
    });
    expect(await archived()).toEqual([]);
  });

  it("is nothing that a publisher with a token is suspected of", async () => {
    await forget();
    expect((await publish(makeEvent({ timestamp: at(wholeFrom - dayMs) }))).status).toBe(202);
  });

  it("is asked for late events only, and of one shard", async () => {
    const calls = vi.spyOn(env.SHARDS, "getByName");
    const cost = async (timestamp: string): Promise<number> => {
      const before = calls.mock.calls.length;
      await send(asJson(JSON.stringify(makeEvent({ timestamp }))), "application/json");
      return calls.mock.calls.length - before;
    };
    expect(await cost(at(Date.now() - 30_000))).toBe(1);
    expect(await cost(at(Date.now() - dayMs))).toBe(2);
  });
});
