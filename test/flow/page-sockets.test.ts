import { afterAll, beforeAll, expect, test } from "vitest";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { createWebhook, makeEvent, publish, type Webhook } from "./client.ts";
import { eventually } from "./eventually.ts";
import { frame, RawWebSocket } from "./raw-websocket.ts";
import { eventUuid, Receiver } from "./receiver.ts";

const type = "project:created";
const floodersMax = 20;
/** What lies in the buffers of the systems between, and a few frames. Before a flooder is cut it could write without end. */
const bytesTakenMax = 100e6;

let gateway: BorrowedGateway;
let receiver: Receiver;
let webhook: Webhook;
beforeAll(async () => {
  gateway = await BorrowedGateway.borrow();
  receiver = await Receiver.open();
  webhook = await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
});
afterAll(async () => {
  await gateway.giveBack();
  await receiver.stop();
});

/** Opens a page's socket in a session of its own. */
async function openPage(): Promise<RawWebSocket> {
  const { url, token } = gateway;
  const signedIn = await fetch(`${url}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { Origin: url },
    body: new URLSearchParams({ token }),
  });
  const cookie = signedIn.headers.get("Set-Cookie")?.split(";")[0];
  const headers = [`Origin: ${url}`, `Cookie: ${cookie}`];
  return RawWebSocket.open(url, `/webhooks/${webhook.uuid}/live`, headers);
}

test.each<[what: string, frames: Buffer]>([
  ["large frames", frame("text", "x".repeat(900_000))],
  ["many small frames", Buffer.concat(Array.from({ length: 1000 }, () => frame("text", "x")))],
  ["many empty frames", Buffer.concat(Array.from({ length: 1000 }, () => frame("binary", "")))],
  ["signs of life without end", Buffer.concat(Array.from({ length: 1000 }, () => frame("text", "ping")))],
])(
  "pages that flood the gateway with %s are cut off, and meanwhile events are taken and delivered",
  async (_, frames) => {
    const flooders = await Promise.all(Array.from({ length: floodersMax }, openPage));
    expect(flooders.map(({ status }) => status)).toEqual(flooders.map(() => 101));
    for (const flooder of flooders) flooder.flood(frames);

    const events = Array.from({ length: 5 }, () => makeEvent(type));
    for (const event of events) await publish(gateway, event);
    // One that takes longer than the gateway waits for it comes again.
    const arrived = () => [...new Set(receiver.arrivals.map(eventUuid))].slice(-events.length);
    const last = events.at(-1)?.uuid;
    await eventually("the last event arrives", () => arrived().at(-1) === last);
    expect(arrived()).toEqual(events.map(({ uuid }) => uuid));

    await eventually("every flooder is cut off", () => flooders.every(({ isCut }) => isCut));
    for (const { bytesTaken } of flooders) expect(bytesTaken).toBeLessThan(bytesTakenMax);
  },
);

test("a page that was closed for what it sent, and then goes on sending, is cut off", async () => {
  const page = await openPage();
  page.send(frame("text", "not a sign of life"));
  await eventually("it is closed", () => page.messages.includes(1008));
  page.flood(frame("text", "x".repeat(10_000)));
  await eventually("it is cut off", () => page.isCut);
  expect(page.bytesTaken).toBeLessThan(bytesTakenMax);
});

test("a page that behaves goes on hearing after all that", async () => {
  const page = await openPage();
  page.send(frame("text", "ping"));
  await eventually("it gets a sign of life", () => page.messages.includes("pong"));
  await publish(gateway, makeEvent(type));
  await eventually("it is told of a change", () => page.messages.includes("changed"));
  expect(page.isCut).toBe(false);
  page.close();
});
