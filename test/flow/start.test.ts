import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, createWebhook, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Gateway, startProcess } from "./gateway.ts";
import { rawRequest } from "./raw-request.ts";
import { eventUuid, hubSignature, Receiver } from "./receiver.ts";

describe("npm start", () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await Gateway.start();
  });
  afterAll(() => gateway.remove());

  test("serves /health without a token after a clean start", async () => {
    const response = await fetch(`${gateway.url}/health`);
    expect(response.status).toBe(200);
  });

  test("prints curl lines that lead to a first, signed delivery", async () => {
    const receiver = await Receiver.start();
    const [createWebhook, publishEvent] = printedCurls(gateway.output);
    const [, secret = ""] = /--secret (\S+)/.exec(gateway.output) ?? [];

    expect(await runPrinted(createWebhook?.replace("http://127.0.0.1:9000", receiver.url))).toContain(
      '"type":"webhook"',
    );
    expect(await runPrinted(publishEvent)).toContain('"deliveries":1');

    const delivery = await eventually("the first delivery arrives", () => receiver.arrivals[0]);
    expect(delivery.headers["x-hub-signature"]).toBe(hubSignature(secret, delivery.body));
  });

  test("answers as 127.0.0.1, localhost and [::1], and refuses every other host before it looks at anything", async () => {
    const token = `Authorization: Bearer ${gateway.token}`;
    const upgrade = [
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    const webhooks = "/api/notifications/subscribers";
    const { port } = gateway;
    const asked: [status: number, host: string, request: string, ...headers: string[]][] = [
      [200, `127.0.0.1:${port}`, `GET ${webhooks}`, token],
      [200, "localhost", `GET ${webhooks}`, token],
      [200, `[::1]:${port}`, `GET ${webhooks}`, token],
      [403, "evil.example", `GET ${webhooks}`, token],
      [403, `evil.example:${port}`, `POST ${webhooks}/webhooks`, token, "Content-Length: 0"],
      [403, "evil.example", "GET /health"],
      [403, "evil.example", "GET /sign-in", "Accept: text/html"],
      [403, "evil.example", "GET /webhooks/1/live", "Connection: Upgrade", ...upgrade],
      [403, "evil.example", "GET /cdn-cgi/local/scheduled"],
      [403, "localhost.", "GET /health"],
      [403, "evil.example", "GET http://evil.example/health"],
      // What wrangler takes for the URL, where a page sends it along.
      [
        403,
        "evil.example",
        "POST /api/events",
        "MF-Original-URL: http://127.0.0.1/api/events",
        "Origin: http://evil.example",
        "Content-Length: 0",
      ],
    ];
    for (const [status, host, request, ...headers] of asked) {
      const answer = await rawRequest(port, [`${request} HTTP/1.1`, `Host: ${host}`, ...headers]);
      const isRefusal = /accepts only requests to 127\.0\.0\.1|Invalid Host header/.test(answer.body);
      const seen = { host, request, status: answer.status, isRefusal };
      expect(seen).toEqual({ host, request, status, isRefusal: status === 403 });
    }
  });

  test("ends with exit code 1 and a sentence that names the port when the port is taken", async () => {
    const second = startProcess(gateway.port, tmpdir());
    let printed = "";
    second.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    const [exitCode] = await once(second, "close");
    expect(exitCode).toBe(1);
    expect(printed).toMatch(new RegExp(`^Port ${gateway.port} is taken\\. .*\\n$`));
  });

  test("ends with exit code 0 on SIGTERM, leaves no process behind, and has webhooks and undelivered events after the next start", async () => {
    const type = "project:updated";
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, { url: receiver.url, eventTypes: [type] });
    await receiver.stop();
    const events = Array.from({ length: 5 }, () => makeEvent(type));
    for (const event of events) await publish(gateway, event);

    expect(await gateway.stop()).toBe(0);
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow("fetch failed");
    await receiver.start();
    await gateway.start();
    expect(await call(gateway, "GET", webhookPath(webhook))).toEqual({ status: 200, json: webhook });
    const hasAll = () => receiver.arrivals.length >= events.length;
    await eventually("what was published before the stop arrives", hasAll);
    expect(receiver.arrivals.map(eventUuid)).toEqual(events.map(({ uuid }) => uuid));
  });

  test("leaves no process behind even when it is killed itself", async () => {
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
    await gateway.killStarter();
    await expect(fetch(`${gateway.url}/health`)).rejects.toThrow("fetch failed");
  });

  /** Runs a line as a user would paste it; where there is no bash or no curl, sends the same with fetch. */
  async function runPrinted(line = ""): Promise<string> {
    if (spawnSync("bash", ["-c", "command -v curl"]).status === 0) {
      const { stdout } = await promisify(execFile)("bash", ["-c", line]);
      return stdout;
    }
    console.warn("bash or curl is missing here: the printed request is sent with fetch instead.");
    const [, url = "", body = ""] = /^curl -X POST (\S+) .* -d '(.*)'$/.exec(line) ?? [];
    const headers = { Authorization: `Bearer ${gateway.token}`, "Content-Type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body });
    return response.text();
  }
});

function printedCurls(output: string): string[] {
  return output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("curl "));
}
