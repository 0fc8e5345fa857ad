import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { api, makeWebhook, notifications, readWebhook, spec } from "../api";
import { eventTextIn, makeEvent, makeListener, publish } from "../event";
import { consume, rejected } from "../queue";
import { messageText } from "../../src/events/queue-message";
import { captureLog, receiver } from "../receiver";
import { forAll } from "../for-all";

const webhooks = `${notifications}/subscribers/webhooks`;
const eventBytesMax = 100 * 1024;

/** An event with a member of this source text. */
function eventWith(json: string): string {
  return `${JSON.stringify(makeEvent()).slice(0, -1)},"data":${json}}`;
}

/** An event of so many bytes. */
function eventOf(bytes: number): string {
  return eventWith(`"${"x".repeat(bytes - eventWith('""').length)}"`);
}

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

function nestedObjects(depth: number): string {
  return '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
}

describe("an event at its limit", () => {
  it("may take 100 KiB", async () => {
    const event = eventOf(eventBytesMax);
    expect(new TextEncoder().encode(event)).toHaveLength(eventBytesMax);
    expect((await publish(event)).status).toBe(202);
  });

  it("may not take a byte more", async () => {
    const { status, body } = await publish(eventOf(eventBytesMax + 1));
    expect(status).toBe(400);
    expect(body.message).toContain("An event must be at most 102400 bytes, not 102401");
  });

  it("is measured in bytes, not in characters", async () => {
    const event = eventWith(`"${"語".repeat(eventBytesMax / 3)}"`);
    expect(event.length).toBeLessThan(eventBytesMax);
    expect((await publish(event)).status).toBe(400);
  });

  it("may come with 99 others", async () => {
    const { body } = await publish(Array.from({ length: 100 }, () => makeEvent()));
    expect(body.accepted).toHaveLength(100);
  });

  it.each([0, 101])("may not come as one of %i", async (count) => {
    const { status, body } = await publish(Array.from({ length: count }, () => makeEvent()));
    expect(status).toBe(400);
    expect(body.message).toContain("1 to 100 events");
  });
});

const subscription = () => ({ event_type: "project:created", project_uuid: crypto.randomUUID() });
const headerOf = (name: number, value: number) => ({ headers: { ["X".repeat(name)]: "v".repeat(value) } });

describe("a webhook at its limits", () => {
  it("may have 1,000 subscriptions", async () => {
    const { uuid } = await makeWebhook({ subscriptions: Array.from({ length: 1000 }, subscription) });
    expect((await readWebhook(uuid)).subscriptions).toHaveLength(1000);
  });

  it("may not have what is just beyond them", () =>
    forAll(
      [
        [
          "1,001 subscriptions",
          { subscriptions: Array.from({ length: 1001 }, subscription) },
          /1000 entries/,
        ],
        ["a header's name of 101 characters", headerOf(101, 1), /at most 100 characters/],
        ["a header's value of 1,025 characters", headerOf(1, 1025), /at most 1024 characters/],
        ["a time-out of 31 s", { timeout_s: 31 }, /timeout_s: must be a whole number from 1 to 30/],
        ["a time-out of 0 s", { timeout_s: 0 }, /timeout_s/],
        [
          "101 attempts",
          { retry: { max_attempts: 101 } },
          /max_attempts: must be a whole number from 1 to 100/,
        ],
        ["no attempt", { retry: { max_attempts: 0 } }, /max_attempts/],
        [
          "an age of 59 s",
          { retry: { max_age_s: 59 } },
          /max_age_s: must be a whole number from 60 to 2592000/,
        ],
        ["an age of 2,592,001 s", { retry: { max_age_s: 2_592_001 } }, /max_age_s/],
        ["a rate above 1,000", { rate_limit_per_s: 1000.1 }, /rate_limit_per_s: must be a number from 0.1/],
        ["a rate below 0.1", { rate_limit_per_s: 0.09 }, /rate_limit_per_s/],
      ],
      async (_, changes, message) => {
        const { status, body } = await api("POST", webhooks, { ...spec, ...changes });
        expect(status).toBe(400);
        expect(body.message).toMatch(message);
      },
    ));

  it("may have what is just within them", () =>
    forAll(
      [
        ["a header's name of 100 characters and a value of 1,024", headerOf(100, 1024)],
        ["a time-out of 1 s", { timeout_s: 1 }],
        ["a time-out of 30 s", { timeout_s: 30 }],
        ["1 attempt in 60 s", { retry: { max_attempts: 1, max_age_s: 60 } }],
        ["100 attempts in 2,592,000 s", { retry: { max_attempts: 100, max_age_s: 2_592_000 } }],
        ["a rate of 0.1", { rate_limit_per_s: 0.1 }],
        ["a rate of 1,000", { rate_limit_per_s: 1000 }],
      ],
      async (_, changes) => {
        expect((await api("POST", webhooks, { ...spec, ...changes })).status).toBe(201);
      },
    ));
});

describe("a header", () => {
  it("may not have control characters in its value", () =>
    forAll(
      [
        ["a line feed", "a\nX-Injected: b"],
        ["a carriage return", "a\rX-Injected: b"],
        ["both", "a\r\n\r\nbody"],
        ["NUL", "a\u0000b"],
        ["another control character", "a\u007fb"],
        ["a line separator of Unicode", "a\u2028b"],
        ["a letter that ends in the byte of a line feed", "a\u010ab"],
      ],
      async (_, value) => {
        const { status, text } = await api("POST", webhooks, { ...spec, headers: { "X-A": value } });
        expect(status).toBe(400);
        expect(text).not.toContain("Injected");
      },
    ));

  it("may not be named with anything else than a token", () =>
    forAll(["a\nb", "a\rb", "a\u0000b", "a:b", "a b", "a\tb", "(a)", "ä", "Ａ"], async (name) => {
      expect((await api("POST", webhooks, { ...spec, headers: { [name]: "x" } })).status).toBe(400);
    }));
});

/** JSON that is valid and meant to hurt. All of it fits an event. */
const hostile: [what: string, json: string][] = [
  ["50,000 lists in each other", nested(50_000)],
  ["16,000 objects in each other", nestedObjects(16_000)],
  ["a number beyond all bounds", "1e999999"],
  ["a number that is nearly nothing", "1e-999999"],
  ["an exponent of 90,000 digits", `1e${"9".repeat(90_000)}`],
  ["a number of 90,000 digits", "9".repeat(90_000)],
  ["a fraction of 90,000 digits", `0.${"1".repeat(90_000)}`],
  ["minus zero", "-0.0"],
  ["30,000 numbers", `[${"1,".repeat(30_000)}1]`],
  ["15,000 members", `{${Array.from({ length: 9000 }, (_, n) => `"k${n}":1`).join(",")}}`],
  ["the same member 10,000 times", `{${'"same":1,'.repeat(9999)}"same":2}`],
  ["only backslashes", `"${"\\\\".repeat(45_000)}"`],
  ["halves of surrogate pairs", '"\\ud800\\udc00\\ud800"'],
  ["control characters", '"\\u0000\\u001b[2J\\u2028"'],
  ["__proto__", '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
];

describe("an event that is meant to hurt", () => {
  it("is data like any other", async () => {
    const { received } = receiver();
    const listeners = [
      { url: "https://hooks.example.com/" },
      { url: "https://hooks.slack.com/services/x", rate_limit_per_s: 1000 },
      { url: "https://discord.com/api/webhooks/x", rate_limit_per_s: 1000 },
      { url: "https://hooks.example.com/", content_type: "application/x-www-form-urlencoded" },
    ];
    for (const listener of listeners) await makeListener(listener);
    await forAll(hostile, async (_, json) => {
      received.splice(0);
      const event = eventWith(json);
      const { status, body } = await publish(event);
      expect(status).toBe(202);
      expect(body.accepted[0]?.deliveries).toBe(4);
      await vi.waitFor(() => expect(received).toHaveLength(4));
      const plain = received.find(({ url, body }) => url.includes("example") && body.startsWith("{"));
      // Not toBe(event): a failure would print it.
      expect(eventTextIn(plain?.body ?? "") === event).toBe(true);
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });
  });

  it("is no worse from the queue", () =>
    forAll(hostile, async (_, json) => {
      captureLog();
      expect(await consume([eventWith(json)])).toMatchObject({ acked: ["message-0"] });
      expect(await rejected()).toEqual([]);
    }));

  it("and that the queue has parsed already can still be written", () => {
    const text = eventWith(nested(60_000));
    expect(messageText(JSON.parse(text)) === text).toBe(true);
  });

  it("is a 400, and a short one", () =>
    forAll(
      [
        ["as a list of 500,000 lists", nested(500_000)],
        ["as 500,000 unfinished lists", "[".repeat(500_000)],
        ["with a type of 1 MB", JSON.stringify(makeEvent({ type: "x".repeat(1_000_000) }))],
        ["with a uuid of 1 MB", JSON.stringify(makeEvent({ uuid: "0".repeat(1_000_000) }))],
        ["with a timestamp of 1 MB", JSON.stringify(makeEvent({ timestamp: "2".repeat(1_000_000) }))],
        ["with a nested uuid", eventWith("1").replace(/"uuid":"[^"]+"/, `"uuid":${nested(400_000)}`)],
        ["with a project that is nested", eventWith(`1,"project":${nested(400_000)}`)],
        ["with a prototype for a project", eventWith('1,"project":{"__proto__":{"uuid":"x"},"uuid":1}')],
        [
          "with 100,000 members",
          JSON.stringify(
            Array.from({ length: 100 }, () =>
              Object.fromEntries(Array.from({ length: 900 }, (_, n) => [`k${n}`, 1])),
            ),
          ),
        ],
      ],
      async (_, text) => {
        const answer = await publish(text);
        expect(answer.status).toBe(400);
        expect(answer.text.length).toBeLessThan(4000);
      },
    ));
});

const specWith = (json: string): string => `${JSON.stringify(spec).slice(0, -1)},${json}}`;

describe("a webhook's spec that is meant to hurt", () => {
  it.each([
    ["a nested field", specWith(`"name":${nested(400_000)}`)],
    ["a nested unknown field", specWith(`"x":${nestedObjects(100_000)}`)],
    ["a time-out beyond all numbers", specWith('"timeout_s":1e999999')],
    ["a rate beyond all numbers", specWith('"rate_limit_per_s":1e999999')],
    ["a time-out of 500,000 digits", specWith(`"timeout_s":${"9".repeat(500_000)}`)],
    ["100,000 unknown fields", specWith(Array.from({ length: 80_000 }, (_, n) => `"k${n}":1`).join(","))],
    [
      "80,000 headers",
      specWith(`"headers":{${Array.from({ length: 60_000 }, (_, n) => `"k ${n}":1`).join(",")}}`),
    ],
    ["100,000 subscriptions", specWith(`"subscriptions":[${"{},".repeat(100_000)}{}]`)],
    ["a URL of 1 MB", specWith(`"url":"https://${"a.".repeat(400_000)}"`)],
    ["a header with a name of 1 MB", specWith(`"headers":{"${"x".repeat(900_000)}":"y"}`)],
    ["an unknown field with a name of 1 MB", specWith(`"${"x".repeat(900_000)}":"y"`)],
    ["a field named __proto__", specWith('"__proto__":{"name":"polluted"}')],
    ["a field named constructor", specWith('"constructor":{"prototype":{"name":"polluted"}}')],
  ])("is a 400 in time, and a short one: %s", async (_, text) => {
    const answer = await api("POST", webhooks, text);
    expect(answer.status).toBe(400);
    expect(answer.text.length).toBeLessThan(4000);
    expect(await env.DB.prepare("select count(*) as n from webhooks").first("n")).toBe(0);
    expect(({} as { name?: string }).name).toBeUndefined();
  });

  it("may name a header like a member of every object: it is data", async () => {
    const { received } = receiver();
    const headers = { constructor: "c", toString: "t", hasOwnProperty: "h" };
    const { uuid } = await makeWebhook({ headers });
    await api("GET", `${notifications}/subscribers/test-ping-delivery/${uuid}`);
    expect(received[0]?.headers.get("constructor")).toBe("c");
    expect(received[0]?.headers.get("tostring")).toBe("t");
  });
});

describe("a query that is meant to hurt", () => {
  const path = `${notifications}/subscribers`;
  const odd = [
    "%00",
    "'%20OR%201=1--",
    "%F0%9F%92%A9",
    "%",
    // With plain slashes it would be the path of a page.
    "..%2F..%2F..",
    "x".repeat(8000),
    "__proto__",
    "%E0%A4%A",
  ];

  it("is answered below 500", async () => {
    const { uuid } = await makeWebhook();
    await forAll(odd, async (text) => {
      const paths = [
        `${path}/${text}`,
        `${path}/subscribed-to/${text}?project_uuid=${text}&job_uuid=${text}`,
        `${path}/${uuid}/deliveries?cursor=${text}&limit=${text}&status=${text}&since=${text}`,
        `${path}/${uuid}/deliveries/${text}`,
        `/api/events?cursor=${text}&type=${text}&limit=${text}&since=${text}`,
        `/api/events/${text}`,
        `/api/dead?cursor=${text}`,
        `/api/rejected?cursor=${text}`,
      ];
      for (const one of paths) {
        const answer = await api("GET", one);
        expect([one, answer.status < 500]).toEqual([one, true]);
      }
    });
  });
});
