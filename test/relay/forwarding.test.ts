import { Agent, type ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Connections } from "../../tools/relay/connections.ts";
import { forAll } from "../for-all.ts";
import { startReceiver } from "./receivers.ts";
import { here, type RelayOptions, RunningRelay } from "./running-relay.ts";

beforeEach(() => void vi.spyOn(console, "log").mockReturnValue());

const switched = "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

/** An error as Node makes it. */
function failure(code: string, address?: string): Error {
  return Object.assign(new Error(code), { code, address });
}

/** A receiver that speaks by itself. */
async function rawReceiver(speak: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => speak(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://raw.corp.test:${(server.address() as AddressInfo).port}/`;
}

describe("a relay forwards", () => {
  it("method, path, headers and body as they are, and gives status, headers and body back", async () => {
    const { port, seen } = await startReceiver(null, (response) => {
      response.writeHead(418, { "X-One": "1", "Set-Cookie": ["a=1", "b=2"] }).end("a teapot");
    });
    const relay = await RunningRelay.start();
    const headers: [string, string][] = [
      ["X-Orchest-Event", "ping"],
      ["User-Agent", "Orchest"],
    ];
    const asked = await relay.ask(`http://hooks.corp.test:${port}/path?a=%2F`, { headers }, "bödy");
    expect(seen).toMatchObject([{ method: "POST", path: "/path?a=%2F", body: "bödy" }]);
    expect(seen[0]?.headers).toMatchObject({
      host: `hooks.corp.test:${port}`,
      "x-orchest-event": "ping",
      "user-agent": "Orchest",
      "content-length": "5",
    });
    expect(asked).toMatchObject({
      answers: [
        { kind: "answer", status: 418 },
        { kind: "end", end: "whole" },
      ],
    });
    expect(asked.body).toBe("a teapot");
    const [answer] = asked.answers;
    expect(answer?.kind === "answer" && answer.headers).toEqual(
      expect.arrayContaining([
        ["X-One", "1"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ]),
    );
  });

  it("no header that would give the request a second reading", async () => {
    const { port, seen } = await startReceiver();
    const relay = await RunningRelay.start();
    const headers: [string, string][] = [
      ["Transfer-Encoding", "chunked"],
      ["content-length", "1"],
      ["HOST", "evil.test"],
      ["Connection", "X-Orchest-Event"],
      ["X-Orchest-Event", "ping"],
    ];
    await relay.ask(`http://hooks.corp.test:${port}/`, { headers });
    expect(seen).toMatchObject([{ body: "body", headers: { "x-orchest-event": "ping" } }]);
    expect(seen[0]?.headers).toMatchObject({ host: `hooks.corp.test:${port}`, "content-length": "4" });
    expect(seen[0]?.headers).not.toHaveProperty("transfer-encoding");
  });

  it("nothing when a header's value would end its line", async () => {
    const { port, seen } = await startReceiver();
    const relay = await RunningRelay.start();
    const headers: [string, string][] = [["X-One", "1\r\nX-Two: 2"]];
    const { answers } = await relay.ask(`http://hooks.corp.test:${port}/`, { headers });
    expect(answers).toMatchObject([
      { kind: "receiverFailed", error: "connection", reason: "ERR_INVALID_CHAR" },
    ]);
    expect(seen).toEqual([]);
  });
});

describe("of a receiver", () => {
  it("that sends a body without end, as much as is of use is read", async () => {
    const write = (response: ServerResponse): void => {
      while (!response.destroyed && response.write("x".repeat(1024)));
      if (!response.destroyed) response.once("drain", () => write(response));
    };
    let closed = false;
    const { port } = await startReceiver(null, (response) => {
      response.once("close", () => (closed = true));
      write(response);
    });
    const relay = await RunningRelay.start();
    const { answers, body } = await relay.ask(`http://hooks.corp.test:${port}/`);
    expect(answers).toMatchObject([
      { kind: "answer", status: 200 },
      { kind: "end", end: "cut" },
    ]);
    expect(body).toBe("x".repeat(2048));
    await vi.waitFor(() => expect(closed).toBe(true));
  });

  it("whose body is just as long as is of use, the end is known", async () => {
    const { port } = await startReceiver(null, (response) => void response.end("x".repeat(2048)));
    const relay = await RunningRelay.start();
    const { answers } = await relay.ask(`http://hooks.corp.test:${port}/`);
    expect(answers.at(-1)).toMatchObject({ kind: "end", end: "whole" });
  });

  it("that answers and then hangs, the status is known at once and the body is late", async () => {
    const { port } = await startReceiver(null, (response) => void response.writeHead(200).write("begun"));
    const relay = await RunningRelay.start();
    const asked = await relay.ask(`http://hooks.corp.test:${port}/`, { timeoutMs: 500 });
    expect(asked.answers).toMatchObject([
      { kind: "answer", status: 200 },
      { kind: "end", end: "late" },
    ]);
    expect(asked.body).toBe("begun");
  });

  it("a failure is told from one of the relay's, and by its kind", () =>
    forAll<[string, () => Promise<string>, object[]]>(
      [
        [
          "refuses",
          async () => "http://hooks.corp.test:1/",
          [{ error: "connection", reason: "ECONNREFUSED" }],
        ],
        ["hangs", () => rawReceiver(() => undefined), [{ error: "timeout" }]],
        ["hangs up", () => rawReceiver((socket) => socket.destroy()), [{ error: "connection" }]],
        ["is no HTTP", () => rawReceiver((socket) => socket.end("hello\r\n\r\n")), [{ error: "connection" }]],
        [
          "sends interim answers for ever",
          () =>
            rawReceiver((socket) => {
              const timer = setInterval(() => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"), 20);
              socket.once("close", () => clearInterval(timer));
            }),
          [{ error: "timeout" }],
        ],
        [
          "sends headers for ever",
          () =>
            rawReceiver((socket) => {
              socket.write("HTTP/1.1 200 OK\r\n");
              const timer = setInterval(() => socket.write(`X: ${"x".repeat(16_000)}\r\n`), 10);
              socket.once("close", () => clearInterval(timer));
            }),
          [{ error: "connection", reason: "HPE_HEADER_OVERFLOW" }],
        ],
        [
          "has a body that breaks off",
          () => rawReceiver((socket) => socket.end("HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nhalf")),
          [
            { kind: "answer", status: 500 },
            { kind: "end", end: "broken" },
          ],
        ],
        [
          "switches to another protocol",
          () => rawReceiver((socket) => socket.write(switched)),
          [{ error: "connection", reason: "NO_RESPONSE" }],
        ],
        [
          "switches after an interim answer",
          () => rawReceiver((socket) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${switched}`)),
          [{ error: "connection", reason: "NO_RESPONSE" }],
        ],
        [
          "says that it switches, but not to what",
          () => rawReceiver((socket) => socket.end("HTTP/1.1 101 X\r\n\r\n")),
          [
            { kind: "answer", status: 101 },
            { kind: "end", end: "whole" },
          ],
        ],
        ...["000", "099", "99", "1000", "-10"].map((status): [string, () => Promise<string>, object[]] => [
          `has the status ${status}`,
          () => rawReceiver((socket) => socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`)),
          [{ error: "connection", reason: "HPE_INVALID_STATUS" }],
        ]),
        [
          "has the largest status",
          () => rawReceiver((socket) => socket.write("HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n")),
          [{ kind: "answer", status: 999 }, { kind: "end" }],
        ],
        [
          "has as many bytes of headers as there may be, all of which JSON escapes",
          () =>
            rawReceiver((socket) =>
              socket.write(`HTTP/1.1 200 OK\r\nX: ${'"'.repeat(65_000)}\r\nContent-Length: 0\r\n\r\n`),
            ),
          [{ kind: "answer", status: 200 }, { kind: "end" }],
        ],
      ],
      async (_name, start, expected) => {
        const relay = await RunningRelay.start();
        const { answers } = await relay.ask(await start(), { timeoutMs: 1000 });
        expect(answers).toMatchObject(expected.map((one) => ({ kind: "receiverFailed", ...one })));
        await vi.waitFor(() => expect(relay.relay.underWay).toBe(0));
        expect((await fetch(`${relay.url}health`)).status).toBe(200);
      },
    ));

  it("whose name does not resolve, or whose resolver does not answer, that is said", async () => {
    const unknown = Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    const failing = await RunningRelay.start({ allow: ["*"], resolve: () => Promise.reject(unknown) });
    expect((await failing.ask("http://hooks.corp.test/")).answers).toMatchObject([
      { kind: "receiverFailed", error: "dns", reason: "ENOTFOUND" },
    ]);
    const silent = await RunningRelay.start({ allow: ["*"], resolve: () => new Promise(() => undefined) });
    expect((await silent.ask("http://hooks.corp.test/", { timeoutMs: 300 })).answers).toMatchObject([
      { kind: "receiverFailed", error: "timeout" },
    ]);
  });

  it("nothing is said when the relay's machine lacks what a request needs: no attempt is counted", async () => {
    const failing = vi.fn<() => Error>();
    const agent = Object.assign(new Agent(), {
      createConnection: (_options: object, connected: (error: Error) => void) => connected(failing()),
    });
    vi.spyOn(Connections.prototype, "agentFor").mockReturnValue(agent);
    onTestFinished(() => void vi.restoreAllMocks());
    const relay = await RunningRelay.start({
      resolve: async (host) => {
        if (host === "unresolved.corp.test") throw failing();
        return here(host);
      },
    });
    const short = [{ kind: "relayFailed", code: "busy" }];
    const refused = [{ kind: "receiverFailed" }];
    await forAll<[name: string, error: Error, expected: object[]]>(
      [
        ["files", failure("EMFILE"), short],
        ["the system's files", failure("ENFILE"), short],
        ["memory", failure("ENOMEM"), short],
        ["buffers", failure("ENOBUFS"), short],
        ["the resolver's memory", failure("EAI_MEMORY"), short],
        ["ports", failure("EADDRNOTAVAIL", "10.0.0.1"), short],
        [
          "files for one of two addresses",
          new AggregateError([failure("ECONNREFUSED"), failure("EMFILE")]),
          short,
        ],
        // A machine without IPv6 says so of every IPv6 address, always.
        ["IPv6", failure("EADDRNOTAVAIL", "::1"), refused],
        ["nothing", failure("ECONNREFUSED"), refused],
        ["a way", failure("ENETUNREACH"), refused],
        ["a code", new Error("unknown"), refused],
      ],
      async (_name, error, expected) => {
        failing.mockReturnValue(error);
        for (const host of ["unresolved.corp.test", "hooks.corp.test"]) {
          expect((await relay.ask(`http://${host}/`)).answers).toMatchObject(expected);
        }
      },
    );
    expect(relay.relay.underWay).toBe(0);
  });

  it("that closes each connection right after its answer, every request arrives once", async () => {
    const { port, seen } = await startReceiver(null, (response) => {
      response.end("done", () => response.socket?.destroy());
    });
    const relay = await RunningRelay.start();
    for (let sent = 0; sent < 20; sent++) {
      const { answers } = await relay.ask(`http://hooks.corp.test:${port}/${sent}`);
      expect(answers[0]).toMatchObject({ kind: "answer", status: 200 });
    }
    expect(seen.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, (_, n) => `/${n}`));
  });

  it("no more requests are made at once than the relay may, and with no more bytes", () =>
    forAll<[name: string, limit: RelayOptions, reason: string]>(
      [
        ["two requests", { concurrency: 2 }, "too many requests at once"],
        ["the bytes of two requests", { bodyBytesMax: "body".length * 3 - 1 }, "too many bytes at once"],
      ],
      async (_name, limit, reason) => {
        const held: ServerResponse[] = [];
        const { port } = await startReceiver(null, (response) => void held.push(response));
        const relay = await RunningRelay.start(limit);
        const refused = vi.spyOn(relay.relay, "refused");
        const url = `http://hooks.corp.test:${port}/`;
        const both = [relay.ask(url), relay.ask(url)];
        await vi.waitFor(() => expect(held).toHaveLength(2));
        expect(await relay.ask(url)).toMatchObject({
          status: 503,
          answers: [{ kind: "relayFailed", code: "busy" }],
        });
        expect(refused).toHaveBeenCalledExactlyOnceWith(reason);
        for (const response of held) response.end();
        await Promise.all(both);
        const last = relay.ask(url);
        await vi.waitFor(() => expect(held).toHaveLength(3));
        held.at(-1)?.end();
        expect((await last).status).toBe(200);
      },
    ));
});

it("a relay has its counts for Prometheus, and a health that says nothing else", async () => {
  const { port } = await startReceiver();
  const relay = await RunningRelay.start();
  await relay.ask(`http://hooks.corp.test:${port}/`);
  await relay.ask("http://hooks.corp.test:1/");
  await vi.waitFor(() => expect(relay.relay.underWay).toBe(0));
  const metrics = await fetch(`${relay.url}metrics`);
  expect(metrics.headers.get("Content-Type")).toBe("text/plain; version=0.0.4");
  const text = await metrics.text();
  expect(text).toContain('orchest_relay_requests_total{result="answered"} 1\n');
  expect(text).toContain('orchest_relay_requests_total{result="failed"} 1\n');
  expect(text).toContain("orchest_relay_request_seconds_count 2\n");
  expect(text).not.toContain("corp.test");
  const health = await fetch(`${relay.url}health`);
  expect([health.status, await health.json()]).toEqual([200, { message: "The relay is up." }]);
});
