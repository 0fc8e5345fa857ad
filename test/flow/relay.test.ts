import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:https";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { call, createWebhook, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { freePort, Gateway } from "./gateway.ts";

const secret = "0123456789abcdef0123456789abcdef";
const egress = [{ name: "corp", secret, for: ["unverified", "*.corp.test"] }];
const type = "project:created";
const eventsSent = 40;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await Gateway.start(undefined, {
    args: ["--relay"],
    env: { EGRESS: JSON.stringify(egress) },
  });
});
afterAll(() => gateway.remove());

/** A relay as an operator runs it, which connects to the gateway. It ends with its test. */
async function startRelay(options: string[] = []): Promise<ChildProcess> {
  const rules = ["--allow", "localhost"];
  const args = ["tools/relay/main.ts", "--gateway", gateway.url, "--name", "corp", ...rules, ...options];
  const relay = spawn(process.execPath, args, {
    cwd: projectDirectory,
    env: { ...process.env, RELAY_SECRET: secret },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void relay.kill("SIGKILL"));
  let printed = "";
  relay.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await eventually("the relay is connected", () => printed.includes('"message":"connected"'));
  return relay;
}

/** A receiver at `https://localhost` whose certificate nobody but itself has signed. */
async function startSelfSigned(answer: (sequence: number) => unknown = () => undefined) {
  const options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout - -out -";
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const pem = execFileSync("openssl", [...options.split(" "), ...subject], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const sequences: number[] = [];
  const server = createServer({ key: pem, cert: pem }, (request, response) => {
    const sequence = Number(request.headers["x-orchest-sequence"]);
    request.resume();
    request.once("end", () => {
      sequences.push(sequence);
      void Promise.resolve(answer(sequence)).then(() => response.end());
    });
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `https://localhost:${port}/`, sequences };
}

describe("through relays that dial out", () => {
  test("deliveries arrive in order and are counted once each, though relays are killed in the middle of them", async () => {
    const [first, second] = [await startRelay(), await startRelay()];
    // The receiver has the delivery already when they die: one of two, which may have it, and then the other one.
    const kills = new Map([
      [10, first],
      [25, second],
    ]);
    const replaced: Promise<ChildProcess>[] = [];
    const receiver = await startSelfSigned((sequence) => {
      const dying = kills.get(sequence);
      if (dying === undefined) return;
      kills.delete(sequence);
      dying.kill("SIGKILL");
      if (dying === second) replaced.push(startRelay());
    });
    const webhook = await createWebhook(gateway, { url: receiver.url, egress: "corp", eventTypes: [type] });
    for (let sent = 0; sent < eventsSent; sent++) await publish(gateway, makeEvent(type));
    await eventually("the last delivery arrived", () => receiver.sequences.includes(eventsSent));
    await Promise.all(replaced);

    const inOrder = Array.from({ length: eventsSent }, (_, index) => index + 1);
    expect([...new Set(receiver.sequences)]).toEqual(inOrder);
    // Once more for each kill at most: those that were on their way.
    expect(receiver.sequences.length - eventsSent).toBeLessThanOrEqual(2);
    await eventually("every delivery is delivered, at its first attempt", async () => {
      const { json } = await call(gateway, "GET", webhookPath(webhook, "/deliveries?limit=100"));
      const { deliveries } = json as { deliveries: { status: string; attempts_made: number }[] };
      return deliveries.every(({ status, attempts_made }) => status === "delivered" && attempts_made === 1);
    });
  });

  test("a relay that is stopped ends what it has, and another one takes what comes after", async () => {
    const stopping = await startRelay();
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const receiver = await startSelfSigned((sequence) => (sequence === 1 ? held : undefined));
    await createWebhook(gateway, { url: receiver.url, egress: "corp", eventTypes: [type] });
    await publish(gateway, makeEvent(type));
    await eventually("the first delivery is under way", () => receiver.sequences.length > 0);
    stopping.kill("SIGTERM");
    await startRelay();
    const ended = once(stopping, "exit");
    release();
    await ended;
    expect(stopping.exitCode).toBe(0);
    await publish(gateway, makeEvent(type));
    await eventually("the second delivery arrived", () => receiver.sequences.includes(2));
    expect(receiver.sequences).toEqual([1, 2]);
  });
});

describe("npm start -- --relay", () => {
  test("delivers to a self-signed receiver, and says through which egress", async () => {
    const receiver = await startSelfSigned();
    const webhook = await createWebhook(gateway, { url: receiver.url, egress: "local", eventTypes: [type] });
    await publish(gateway, makeEvent(type));
    await eventually("the delivery arrived", () => receiver.sequences.includes(1));
    const { json } = await call(gateway, "GET", webhookPath(webhook, "/deliveries"));
    const [delivery] = (json as { deliveries: { uuid: string }[] }).deliveries;
    const path = webhookPath(webhook, `/deliveries/${delivery?.uuid}`);
    const attempt = await eventually("its attempt is in the log", async () => {
      const { json: full } = await call(gateway, "GET", path);
      return (full as { attempts: object[] }).attempts[0];
    });
    expect(attempt).toMatchObject({ egress: "local", status: 200 });
  });

  test("ends with the gateway, also when only its starter is killed", async () => {
    await gateway.killStarter();
    await gateway.start();
    expect(await gateway.stop()).toBe(0);
    expect(gateway.groups).toEqual([]);
  });
});
