/** Fills a gateway with some of everything that its pages show. */
import { randomUUID } from "node:crypto";
import { call, createWebhook, makeEvent, publish, type Webhook, webhookPath } from "../flow/client.ts";
import { eventually } from "../flow/eventually.ts";
import type { GatewayAddress } from "../flow/gateway.ts";
import type { Site } from "./site.ts";

const type = "project:one-off-job:pipeline-run:failed";
/** More than fit one page of the log. */
const eventCount = 30;
/** As long as a name may be, of the widest letter, without a place to break: a hyphen would be one. */
const longName = "W".repeat(100);

/** From this delivery on the failing receiver asks for an hour: a retry that comes while a page is looked at changes it. */
const stillFrom = 3;

/** What was made. `deliveries`: the uuid of one in each status. `replays`: of one that is done, and one that is not. */
export type Inhabited = {
  busy: Webhook;
  failing: Webhook;
  paused: Webhook;
  disabled: Webhook;
  /** Reached through an egress. */
  inside: Webhook;
  deliveries: { delivered: string; failed: string; pending: string; dead: string };
  replays: { done: string; running: string };
  event: string;
  /** A token that may only read. */
  reader: string;
};

type Listed = { deliveries: { uuid: string; status: string; sequence: number }[] };

export async function inhabit({ gateway, receiver }: Site): Promise<Inhabited> {
  receiver.answer = ({ path, sequence }, response) => {
    if (path !== "/fails" || sequence < stillFrom)
      return path === "/fails" ? 500 : path === "/gone" ? 410 : 200;
    response.writeHead(500, { "Retry-After": "3600" }).end();
    return "answered";
  };
  const make = (name: string, path: string) =>
    createWebhook(gateway, { url: `${receiver.url}${path}`, name, eventTypes: [type, "project:**"] });
  const busy = await make("Team channel", "/works");
  const failing = await make(longName, "/fails");
  const paused = await make("Paused for the holidays", "/works");
  const disabled = await make(longName, "/gone");
  await call(gateway, "POST", webhookPath(paused, "/pause"));
  const inside = await createWebhook(gateway, {
    url: "http://hooks.behind.example/orchest",
    name: "Behind the firewall",
    egress: "inside",
    eventTypes: ["jupyter:image-build:failed"],
  });

  const events = Array.from({ length: eventCount }, () => describe(makeEvent(type)));
  await publish(gateway, events);
  await until(gateway, busy, (found) => found.every(({ status }) => status === "delivered"));
  await until(gateway, disabled, (found) => found.some(({ status }) => status === "failed"));
  // Two are given up, one after the other: the dead letters of the line, whose third then waits for its retry.
  const dead = await giveUpFirst(gateway, failing);
  await giveUpFirst(gateway, failing);
  const waiting = await until(gateway, failing, (found) => found.some(({ status }) => status === "failed"));

  return {
    busy,
    failing,
    paused,
    disabled,
    inside,
    deliveries: {
      dead,
      delivered: uuidOf(await list(gateway, busy), "delivered"),
      failed: uuidOf(waiting, "failed"),
      pending: uuidOf(waiting, "pending"),
    },
    replays: { done: await replay(gateway, busy, "all"), running: await replay(gateway, failing, "dead") },
    event: events[0]?.uuid ?? "",
    reader: await readerToken(gateway),
  };
}

/** An event with what Orchest's own ones have: long names, and a text to lay out. */
function describe<Event extends { uuid: string }>(event: Event): Event {
  const project = { uuid: randomUUID(), name: "Forecasts of sales in the north" };
  const job = { uuid: randomUUID(), name: "Every morning", status: "FAILED" };
  return { ...event, project: { ...project, job } };
}

async function list(gateway: GatewayAddress, webhook: Webhook): Promise<Listed["deliveries"]> {
  const { json } = await call(gateway, "GET", webhookPath(webhook, "/deliveries?limit=100"));
  return (json as Listed).deliveries;
}

function until(
  gateway: GatewayAddress,
  webhook: Webhook,
  isSo: (found: Listed["deliveries"]) => boolean,
): Promise<Listed["deliveries"]> {
  return eventually(`the deliveries of ${webhook.name}`, async () => {
    const found = await list(gateway, webhook);
    return found.length === eventCount && isSo(found) ? found : null;
  });
}

/** @throws {Error} where none has this status. */
function uuidOf(found: Listed["deliveries"], wanted: string): string {
  const { uuid } = found.find(({ status }) => status === wanted) ?? {};
  if (uuid === undefined) throw new Error(`No delivery is ${wanted}.`);
  return uuid;
}

/** Gives up the delivery that holds up the line. @returns its uuid. */
async function giveUpFirst(gateway: GatewayAddress, webhook: Webhook): Promise<string> {
  const found = await until(gateway, webhook, (all) => all.some(({ status }) => status === "failed"));
  const uuid = uuidOf(found, "failed");
  await call(gateway, "POST", webhookPath(webhook, `/deliveries/${uuid}/skip`));
  return uuid;
}

async function replay(gateway: GatewayAddress, webhook: Webhook, status: string): Promise<string> {
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const { json } = await call(gateway, "POST", webhookPath(webhook, "/replay"), { since, status });
  const { replay: id } = json as { replay: string };
  return id;
}

async function readerToken(gateway: GatewayAddress): Promise<string> {
  const { json } = await call(gateway, "POST", "/api/tokens", { name: "reader", scopes: ["webhooks:read"] });
  return (json as { token: string }).token;
}
