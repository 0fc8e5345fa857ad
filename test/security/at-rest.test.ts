import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { api, notifications } from "../api";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeListener, publish } from "../event";
import { laneOf, runAlarm } from "../lane";
import { receiver } from "../receiver";

const secrets = {
  url: "https://hooks.example.com/services/path-of-url?token=query-of-url",
  secret: "secret-of-webhook",
  next: "next-secret-of-webhook",
  header: "Bearer value-of-header",
};
const plain = /path-of-url|query-of-url|secret-of-webhook|value-of-header|key_of_options/;

type Row = Record<string, ArrayBuffer | string | number | null>;

/** Everything that a lane keeps: all rows of all tables, bytes as text. */
function dumpLane(uuid: string): Promise<string> {
  return runInDurableObject(laneOf(uuid), (_, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'")
      .toArray();
    return tables
      .map(({ name }) => dumpRows(storage.sql.exec<Row>(`SELECT * FROM "${name}"`).toArray()))
      .join("\n");
  });
}

async function dumpD1(): Promise<string> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'",
  ).all<{ name: string }>();
  const dumps = results.map(async ({ name }) => {
    const rows = await env.DB.prepare(`SELECT * FROM "${name}"`).all<Row>();
    return dumpRows(rows.results);
  });
  return (await Promise.all(dumps)).join("\n");
}

function dumpRows(rows: Row[]): string {
  const text = (value: Row[string]): string =>
    value instanceof ArrayBuffer ? new TextDecoder().decode(value) : String(value);
  return rows.map((row) => Object.values(row).map(text).join(" ")).join("\n");
}

beforeEach(stopClock);

describe("the disk", () => {
  it("of a lane and of D1 holds no secret in plain text, whatever the receiver answers", async () => {
    // A receiver that repeats everything it gets, and redirects to where it was called.
    const { received } = receiver(({ url, headers, body }, index) => {
      const echo = JSON.stringify({ url, headers: Object.fromEntries(headers), body });
      return new Response(echo, {
        status: index === 0 ? 301 : 200,
        headers: { Location: url, "X-Echo": url },
      });
    });
    const { url, secret, next, header } = secrets;
    const { uuid } = await makeListener({ url, secret, headers: { Authorization: header } });
    await publish(makeEvent({ marker: "text-of-event" }));
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await api("POST", `${notifications}/subscribers/${uuid}/rotate-secret`, { secret: next });
    await runAlarm(uuid);
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(3));
    passTime(1);
    await api("POST", `${notifications}/subscribers/${uuid}/replay`, {
      since: "2040-01-01T00:00:00Z",
      status: "all",
    });
    await vi.waitFor(() => expect(received).toHaveLength(5));
    await api("POST", `${notifications}/subscribers/${uuid}/pause`);

    expect(received[0]?.url).toBe(url);
    expect(received[0]?.headers.get("Authorization")).toBe(header);
    const lane = await dumpLane(uuid);
    // The dump sees what is there: the event, the answer, the ciphertext.
    expect(lane).toContain("text-of-event");
    expect(lane).toContain("x-echo");
    expect(lane).toMatch(/[0-9a-f]{8}\.[\w-]{100}/);
    expect(lane).not.toMatch(plain);
    expect(await dumpD1()).not.toMatch(plain);
  });

  it("holds no credential of a format's options, and no answer of the API does, although they are in the body", async () => {
    const { received } = receiver(({ body }) => new Response(body, { status: 500 }));
    const { uuid } = await makeListener({
      format: "pagerduty",
      format_options: { routing_key: "key_of_options", severity: "critical" },
    });
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const log = `${notifications}/subscribers/${uuid}/deliveries`;
    const { body } = await api<{ deliveries: { uuid: string }[] }>("GET", log);
    const { text } = await api("GET", `${log}/${body.deliveries[0]?.uuid}`);

    expect(received[0]?.body).toContain("key_of_options");
    expect(text).toContain("routing_key");
    expect(text).not.toMatch(plain);
    expect(await dumpLane(uuid)).not.toMatch(plain);
    expect(await dumpD1()).not.toMatch(plain);
  });
});
