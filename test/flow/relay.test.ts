import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { egressSetting, newLocalRelay } from "../../tools/local-relay.ts";
import { projectDirectory } from "../../tools/project-directory.ts";
import { forAll } from "../for-all.ts";
import { call, createWebhook, makeEvent, publish, type Webhook, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { freePort, Gateway } from "./gateway.ts";

const secret = "0123456789abcdef0123456789abcdef";
const type = "project:created";
const eventsSent = 40;
/** A gateway whose only egress is the relay that it starts itself. */
const alone = { args: ["--relay", "--verbose"], env: { EGRESS: "" } };

let gateway: Gateway;
/** Where the relay of the egress `called` listens. */
let calledAt: string;
beforeAll(async () => {
  calledAt = `127.0.0.1:${await freePort()}`;
  const egress = [
    { name: "corp", secret, for: ["unverified", "*.corp.test"] },
    { name: "called", url: `http://${calledAt}/`, secret, for: ["unverified"] },
  ];
  gateway = await Gateway.start(undefined, { args: ["--relay"], env: { EGRESS: JSON.stringify(egress) } });
});
afterAll(() => gateway.remove());

/** A relay as an operator runs it, of an egress of the gateway. It ends with its test. */
async function startRelay(egress: "corp" | "called" = "corp"): Promise<ChildProcess> {
  const way = egress === "corp" ? ["--gateway", gateway.url, "--name", egress] : ["--listen", calledAt];
  const relay = spawn(process.execPath, ["tools/relay/main.ts", "--allow", "localhost", ...way], {
    cwd: projectDirectory,
    env: { ...process.env, RELAY_SECRET: secret },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void relay.kill("SIGKILL"));
  let printed = "";
  relay.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await eventually("the relay is ready", () => /"message":"(?:connected|listening)"/.test(printed));
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

/** Waits until every delivery of a webhook is delivered, none after a failed attempt. */
async function allAtFirstAttempt(webhook: Webhook): Promise<void> {
  await eventually("every delivery is delivered, at its first attempt", async () => {
    const { json } = await call(gateway, "GET", webhookPath(webhook, "/deliveries?limit=100"));
    const { deliveries } = json as { deliveries: { status: string; attempts_made: number }[] };
    return deliveries.every(({ status, attempts_made }) => status === "delivered" && attempts_made === 1);
  });
}

const inOrder = Array.from({ length: eventsSent }, (_, index) => index + 1);

describe("deliveries through relays arrive in order and are counted once each", () => {
  test.for(["corp", "called"] as const)(
    "though relays of the egress %s are killed in the middle of them",
    async (egress) => {
      const first = await startRelay(egress);
      // One that dials out has a second one beside it, which is killed later. The receiver has the delivery already.
      const second = egress === "corp" ? await startRelay(egress) : null;
      const kills = new Map([
        [10, first],
        [25, second],
      ]);
      let replacement: Promise<ChildProcess> | undefined;
      const receiver = await startSelfSigned(async (sequence) => {
        if (!kills.has(sequence)) return;
        const dying = kills.get(sequence) ?? (await replacement);
        kills.delete(sequence);
        dying?.kill("SIGKILL");
        if (dying !== first || second === null) replacement = startRelay(egress);
      });
      const webhook = await createWebhook(gateway, { url: receiver.url, egress, eventTypes: [type] });
      for (let sent = 0; sent < eventsSent; sent++) await publish(gateway, makeEvent(type));
      await eventually("the last delivery arrived", () => receiver.sequences.includes(eventsSent));
      await replacement;

      expect([...new Set(receiver.sequences)]).toEqual(inOrder);
      // Once more for each kill at most: those that were on their way.
      expect(receiver.sequences.length - eventsSent).toBeLessThanOrEqual(2);
      await allAtFirstAttempt(webhook);
    },
  );

  test("though the gateway is killed in the middle of them", async () => {
    await startRelay();
    const { promise: published, resolve } = Promise.withResolvers<void>();
    let restarted: Promise<void> | undefined;
    const receiver = await startSelfSigned(async (sequence) => {
      if (sequence === 1) await published;
      if (sequence === 10) restarted ??= gateway.kill().then(() => gateway.start());
    });
    const webhook = await createWebhook(gateway, { url: receiver.url, egress: "corp", eventTypes: [type] });
    for (let sent = 0; sent < eventsSent; sent++) await publish(gateway, makeEvent(type));
    resolve();
    await eventually("the last delivery arrived", () => receiver.sequences.includes(eventsSent));
    await restarted;
    expect([...new Set(receiver.sequences)]).toEqual(inOrder);
    expect(receiver.sequences.length - eventsSent).toBeLessThanOrEqual(1);
    await allAtFirstAttempt(webhook);
  });

  test("though a relay is stopped: it ends what it has, and another one takes what comes after", async () => {
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

  test("ends with its relay, and prints the relay's log only with --verbose", async () => {
    expect(gateway.output).not.toContain('"message":"connected"');
    // The starter, the gateway and the relay: `stop` waits until all are gone.
    expect(gateway.groups).toHaveLength(3);
    expect(await gateway.stop()).toBe(0);
    await gateway.start(alone);
    await eventually("the relay's log is printed", () => gateway.output.includes('"message":"connected"'));
  });

  test("leads to a first delivery by the commands that it prints, and by those of the documentation", async () => {
    const documented = readFileSync(join(projectDirectory, "docs/egress.md"), "utf8");
    const [, commands = ""] = /```sh\n(npm start -- --relay\n[^`]*)```/.exec(documented) ?? [];
    const given = commands
      .replaceAll("\\\n", "")
      .replaceAll("http://127.0.0.1:8787", gateway.url)
      .replaceAll("orchest-dev-token", gateway.token);
    await forAll([gateway.output, given], async (text) => {
      const port = await freePort();
      const lines = text.split("\n").map((line) => line.trim().replaceAll("9443", String(port)));
      const receive = lines.find((line) => line.startsWith("npm run receiver -- "));
      const [create, send] = lines.filter((line) => line.startsWith("curl "));
      const printed = await startExample(receive?.split(" ").slice(4) ?? []);
      expect(await runInShell(create)).toContain('"type":"webhook"');
      expect(await runInShell(send)).toContain('"accepted"');
      await eventually("the receiver prints the delivery", () =>
        /#1 {2}project:created .*signature right/.test(printed()),
      );
    });
  });

  test("ends with its relay when only its starter is killed", async () => {
    expect(gateway.groups).toHaveLength(3);
    await gateway.killStarter();
  });

  test("refuses an EGRESS that it cannot add its relay to, and shows nothing of it", () =>
    forAll(['[{"secret":"mine"', '"mine"', '{"secret":"mine"}', "mine", "null"], (listed) => {
      expect(() => egressSetting(listed, newLocalRelay())).toThrow(/^EGRESS is not (?:JSON|a JSON list)\.$/);
    }));
});

/** The example receiver. @returns what it has printed. */
async function startExample(options: string[]): Promise<() => string> {
  const receiver = spawn(process.execPath, ["tools/receiver.ts", ...options], {
    cwd: projectDirectory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void receiver.kill());
  let printed = "";
  receiver.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await eventually("the receiver listens", () => printed.includes("https://localhost"));
  return () => printed;
}

async function runInShell(command = ""): Promise<string> {
  const { stdout } = await promisify(execFile)("bash", ["-c", command]);
  return stdout;
}
