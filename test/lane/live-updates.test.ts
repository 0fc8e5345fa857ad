import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveUpdates } from "../../src/lane/live-updates";
import { api, makeWebhook, notifications } from "../api";
import { passTime, stopClock } from "../clock";
import { makeEvent, makeEvents, makeListener, publish } from "../event";
import { configOf, handoverEvent, laneOf } from "../lane";
import { origin } from "../pages/page";
import { reader } from "../pages/webhooks/people";
import { receiver } from "../receiver";
import { countRows } from "./lane-rows";
import { settle } from "./lane-traffic";

beforeEach(stopClock);

/** They are closed, and that is through to their lanes, before those are taken away. */
const sockets: WebSocket[] = [];
const lanes = new Set<string>();
afterEach(async () => {
  for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.close();
  await vi.waitFor(() => expect(sockets.every((one) => one.readyState === WebSocket.CLOSED)).toBe(true));
  for (const uuid of lanes) await vi.waitFor(async () => expect(await socketsOf(uuid)).toBe(0));
  sockets.splice(0);
  lanes.clear();
});

/** Asks for a webhook's socket. */
async function ask(uuid: string, headers: Record<string, string>): Promise<Response> {
  const request = new Request(`${origin}/webhooks/${uuid}/live`, { headers, redirect: "manual" });
  const answer = await exports.default.fetch(request);
  if (answer.webSocket) {
    answer.webSocket.accept();
    sockets.push(answer.webSocket);
    lanes.add(uuid);
  }
  return answer;
}

/** Opens one as a page does. @returns what it was told so far, and the code that it was closed with. */
async function open(
  uuid: string,
  cookie?: string,
): Promise<{ messages: string[]; socket: WebSocket; closed: () => number | null }> {
  const headers = { Upgrade: "websocket", Origin: origin, Cookie: cookie ?? (await reader()) };
  const { status, webSocket: socket } = await ask(uuid, headers);
  if (status !== 101 || socket === null) throw new Error(`No socket was opened: ${status}.`);
  const messages: string[] = [];
  let code: number | null = null;
  socket.addEventListener("message", ({ data }) => void messages.push(String(data)));
  socket.addEventListener("close", (event) => {
    code = event.code;
  });
  return { messages, socket, closed: () => code };
}

describe("a page's socket", () => {
  it("is told when an event comes in and is delivered", async () => {
    const { received } = receiver();
    const { uuid } = await makeListener();
    const { messages } = await open(uuid);
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    await vi.waitFor(() => expect(messages).toContain("changed"));
  });

  it.each(["pause", "resume"])("is told of %s", async (change) => {
    const { uuid } = await makeListener();
    const { messages } = await open(uuid);
    passTime(1000);
    await api("POST", `${notifications}/subscribers/${uuid}/${change}`);
    await vi.waitFor(() => expect(messages).toContain("changed"));
  });

  it("is told of the last of a hundred deliveries: a page that looks again then sees all of them", async () => {
    receiver();
    const { uuid } = await makeListener();
    const { socket } = await open(uuid);
    const seen: (number | undefined)[] = [];
    const look = async () => void seen.push((await laneOf(uuid).stats())?.counts.delivered);
    socket.addEventListener("message", () => void look());
    await publish(makeEvents(100));
    await vi.waitFor(() => expect(seen).toContain(100));
  });

  it("is told nothing of another webhook", async () => {
    const { received } = receiver();
    const { uuid } = await makeWebhook();
    const { messages } = await open(uuid);
    await makeListener();
    await publish(makeEvent());
    await vi.waitFor(() => expect(received).toHaveLength(1));
    // Its own change comes last: whatever came before it would have been told by then.
    passTime(1000);
    await api("POST", `${notifications}/subscribers/${uuid}/pause`);
    await vi.waitFor(() => expect(messages).toEqual(["changed"]));
  });

  it("is given signs of life", async () => {
    const { uuid } = await makeWebhook();
    const { messages, socket } = await open(uuid);
    socket.send("ping");
    await vi.waitFor(() => expect(messages).toEqual(["pong"]));
  });

  it.each<[what: string, frame: string | Uint8Array]>([
    ["something else", "something else"],
    ["nothing", ""],
    ["a longer one", "pings"],
    ["another case", "PING"],
    ["bytes", new TextEncoder().encode("ping")],
    ["a megabyte", "ping".repeat(250_000)],
  ])("is closed when it sends anything else: %s", async (_, frame) => {
    const { uuid } = await makeWebhook();
    const { messages, socket, closed } = await open(uuid);
    socket.send(frame);
    await vi.waitFor(() => expect(closed()).toBe(1008));
    expect(messages).toEqual([]);
  });

  it("is closed when it asks for signs of life more than ten times at once, or once a second later", async () => {
    const { uuid } = await makeWebhook();
    const { messages, socket, closed } = await open(uuid);
    for (let i = 0; i < 10; i++) socket.send("ping");
    await vi.waitFor(() => expect(messages).toHaveLength(10));
    passTime(1000);
    socket.send("ping");
    await vi.waitFor(() => expect(messages).toHaveLength(11));
    socket.send("ping");
    await vi.waitFor(() => expect(closed()).toBe(1008));
    expect(messages).toHaveLength(11);
  });

  it("that was closed is let go by the lane, too", async () => {
    const { uuid } = await makeWebhook();
    const { socket, closed } = await open(uuid);
    socket.send("something else");
    await vi.waitFor(() => expect(closed()).toBe(1008));
    await vi.waitFor(async () => expect(await socketsOf(uuid)).toBe(0));
  });

  it("is closed when the webhook is deleted", async () => {
    const { uuid } = await makeWebhook();
    const { closed } = await open(uuid);
    await api("DELETE", `${notifications}/subscribers/${uuid}`);
    await vi.waitFor(() => expect(closed()).toBe(4410));
  });

  it("costs the lane neither rows nor alarms", async () => {
    const without = await rowsOf(async () => undefined);
    const withSocket = await rowsOf((uuid) => open(uuid));
    expect(without).toBeGreaterThan(100);
    expect(withSocket).toBe(without);
  });
});

/** A lane's pages: one of them, and what it was told. */
function pages(): { live: LiveUpdates; messages: string[] } {
  const messages: string[] = [];
  const socket = { readyState: WebSocket.OPEN, send: (text: string) => void messages.push(text) };
  const ctx = { getWebSockets: () => [socket] } as unknown as DurableObjectState;
  return { live: new LiveUpdates(ctx), messages };
}

describe("what a page is told of many changes", () => {
  const pauseMs = 250;

  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout"] }));

  it("is the first one at once, and the others together a quarter of a second later", () => {
    const { live, messages } = pages();
    for (let change = 0; change < 100; change++) live.changed();
    expect(messages).toEqual(["changed"]);
    vi.advanceTimersByTime(pauseMs - 1);
    expect(messages).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(messages).toHaveLength(2);
    vi.advanceTimersByTime(10 * pauseMs);
    expect(messages).toHaveLength(2);
  });

  it("is at most four a second, however many there are", () => {
    const { live, messages } = pages();
    for (let ms = 0; ms < 2000; ms++) {
      live.changed();
      vi.advanceTimersByTime(1);
    }
    expect(messages).toHaveLength(9);
  });
});

/** What a lane writes for a hundred deliveries. */
async function rowsOf(prepare: (uuid: string) => Promise<unknown>): Promise<number> {
  const { received } = receiver();
  const { uuid } = await makeListener();
  await laneOf(uuid).configure(await configOf(uuid));
  const rows = await countRows(uuid);
  await prepare(uuid);
  const events = makeEvents(100).map((event) => handoverEvent(event));
  await laneOf(uuid).accept({ config: await configOf(uuid), events });
  await vi.waitFor(() => expect(received).toHaveLength(100));
  await settle(uuid);
  const written = rows();
  vi.restoreAllMocks();
  return written;
}

/** How many sockets a lane has. */
function socketsOf(uuid: string): Promise<number> {
  return runInDurableObject(laneOf(uuid), (_, lane) => lane.getWebSockets().length);
}

it("a page that was closed is forgotten", async () => {
  const { uuid } = await makeWebhook();
  const { socket } = await open(uuid);
  expect(await socketsOf(uuid)).toBe(1);
  socket.close(1001);
  await vi.waitFor(async () => expect(await socketsOf(uuid)).toBe(0));
});

describe("somebody who opens more and more pages of one webhook", () => {
  it("tells five of them: the newest ones", async () => {
    const { uuid } = await makeWebhook();
    const cookie = await reader();
    const pages: Awaited<ReturnType<typeof open>>[] = [];
    for (let i = 0; i < 7; i++) {
      pages.push(await open(uuid, cookie));
      passTime(1);
    }
    await vi.waitFor(() => expect(pages.slice(0, 2).map(({ closed }) => closed())).toEqual([4429, 4429]));
    await vi.waitFor(async () => expect(await socketsOf(uuid)).toBe(5));
    expect(pages.slice(2).map(({ closed }) => closed())).toEqual([null, null, null, null, null]);
  });

  it("takes nothing from another session, nor from pages of another webhook", async () => {
    const { uuid } = await makeWebhook();
    const { uuid: another } = await makeWebhook();
    const cookie = await reader();
    const others = [await open(uuid), await open(another, cookie)];
    for (let i = 0; i < 6; i++) await open(uuid, cookie);
    await vi.waitFor(async () => expect(await socketsOf(uuid)).toBe(6));
    expect(others.map(({ closed }) => closed())).toEqual([null, null]);
  });
});

describe("the way to a socket", () => {
  it("is closed to those who are not signed in", async () => {
    const { uuid } = await makeWebhook();
    const answer = await ask(uuid, { Upgrade: "websocket", Origin: origin });
    expect(answer.status).toBe(303);
    expect(answer.webSocket).toBeNull();
  });

  it.each([["https://evil.example"], [undefined]])("is closed to pages of another site: %s", async (from) => {
    const { uuid } = await makeWebhook();
    const headers = { Upgrade: "websocket", Cookie: await reader(), ...(from && { Origin: from }) };
    const answer = await ask(uuid, headers);
    expect(answer.status).toBe(403);
    expect(answer.webSocket).toBeNull();
  });

  it("is no page", async () => {
    const { uuid } = await makeWebhook();
    const answer = await ask(uuid, { Origin: origin, Cookie: await reader() });
    expect(answer.status).toBe(426);
    expect(await answer.json()).toMatchObject({ message: "This path accepts WebSocket connections only." });
  });

  it("ends at webhooks that there are not", async () => {
    const headers = { Upgrade: "websocket", Origin: origin, Cookie: await reader() };
    expect((await ask("0b9a5b8e-3a7e-4b57-9a3f-0d8f4a1c2e3d", headers)).status).toBe(404);
  });

  it("lets a hundred in, and not one more", async () => {
    const { uuid } = await makeWebhook();
    const headers = { Upgrade: "websocket", Origin: origin, Cookie: await reader() };
    for (let i = 0; i < 100; i++) {
      const { webSocket } = await laneOf(uuid).fetch(`https://lane/?session=${i}`, { headers });
      webSocket?.accept();
      if (webSocket) sockets.push(webSocket);
    }
    expect(sockets).toHaveLength(100);
    expect((await ask(uuid, headers)).status).toBe(503);
    for (const socket of sockets) socket.close();
    await vi.waitFor(async () => expect((await ask(uuid, headers)).status).toBe(101));
  });
});
