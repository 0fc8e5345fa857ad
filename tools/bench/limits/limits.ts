/** The limits: the least that the platform must do for a delivery, and nothing of what a gateway is for. */
import { sampleEvent } from "../sample-event";
import { openDelivery } from "./bare-delivery";
import type { InboxEnv } from "./bare-inbox";
import type { BareLane } from "./bare-lane";

export { BareInbox } from "./bare-inbox";
export { BareLane } from "./bare-lane";

type LimitsEnv = InboxEnv & { LANES: DurableObjectNamespace<BareLane> };

const answers: Record<string, (request: Request, env: LimitsEnv, query: URLSearchParams) => Promise<void>> = {
  /** Limits A (`atOnce` 1) and B (32): signs and fetches `count` times. */
  async "/send"(_request, _env, query) {
    const send = await openDelivery(query.get("to") ?? "");
    const count = Number(query.get("count"));
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < count) {
        next += 1;
        await send(next, sampleEvent({ project: 0, sentAtMs: Date.now() }));
      }
    };
    await Promise.all(Array.from({ length: Number(query.get("atOnce")) }, one));
  },

  /**
   * Limit C: hands a request's events to the inboxes of their webhooks. `d1`: after one D1 `batch()`. `to`: to lanes that
   * send them there, which is limits C and D at once.
   */
  async "/insert"(request, env, query) {
    const value: unknown = JSON.parse(await request.text());
    const events = (Array.isArray(value) ? value : [value]) as { uuid: string; project: { uuid: string } }[];
    if (query.has("d1")) {
      const insert = env.DB.prepare("INSERT INTO events (uuid, body) VALUES (?, ?)");
      await env.DB.batch(events.map((event) => insert.bind(event.uuid, JSON.stringify(event))));
    }
    const to = query.get("to");
    const shares = Map.groupBy(events, (event) => event.project.uuid);
    await Promise.all(
      [...shares].map(([webhook, share]) => {
        const texts = share.map((event) => JSON.stringify(event));
        if (to === null) return env.INBOXES.getByName(webhook).insert(texts);
        return env.LANES.getByName(webhook).take(texts, to);
      }),
    );
  },

  /**
   * Limit E: one row in a shard and one in a lane, by a call each, sent from memory behind the answer. An event's shard is one
   * of four, as the gateway's are at first.
   */
  async "/hand-over"(request, env, query) {
    const text = await request.text();
    const { uuid, project } = JSON.parse(text) as { uuid: string; project: { uuid: string } };
    await env.INBOXES.getByName(`shard ${Number.parseInt(uuid.slice(0, 2), 16) % 4}`).insert([text]);
    await env.LANES.getByName(`taker ${project.uuid}`).takeAndKeep([text], query.get("to") ?? "");
  },

  /** For `latency`: one durable insert, then one bare signed fetch. */
  async "/insert-and-send"(request, env, query) {
    const event = await request.text();
    const { project } = JSON.parse(event) as { project: { uuid: string } };
    await env.INBOXES.getByName(project.uuid).insert([event]);
    const send = await openDelivery(query.get("to") ?? "");
    await send(1, event);
  },

  /** Limit D, before: gives each of `lanes` lanes its rows. */
  async "/fill"(_request, env, query) {
    const rows = Number(query.get("rows"));
    await eachLane(env, query, (lane) => lane.fill(rows));
  },

  /** Limit D: every lane sends its rows, one after another. */
  async "/drain"(_request, env, query) {
    const to = query.get("to") ?? "";
    await eachLane(env, query, (lane) => lane.drain(to));
  },
};

async function eachLane(
  env: LimitsEnv,
  query: URLSearchParams,
  call: (lane: DurableObjectStub<BareLane>) => Promise<void>,
): Promise<void> {
  const lanes = Number(query.get("lanes"));
  await Promise.all(Array.from({ length: lanes }, (_, place) => call(env.LANES.getByName(`lane ${place}`))));
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    await answers[pathname]?.(request, env, searchParams);
    return new Response(null, { status: answers[pathname] === undefined ? 404 : 204 });
  },
} satisfies ExportedHandler<LimitsEnv>;
