import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseEnv, promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { readDevVar, readDevVars } from "../../tools/dev-vars.ts";
import { projectDirectory } from "../../tools/project-directory.ts";
import { call, createWebhook, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { freePort, Gateway, startProcess } from "./gateway.ts";
import { rawRequest } from "./raw-request.ts";
import { eventUuid, hubSignature, Receiver } from "./receiver.ts";

const unit = readFileSync(join(projectDirectory, "examples", "orchest-webhooks.service"), "utf8");

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
    expect(printed).toMatch(new RegExp(`^Port ${gateway.port} is taken\\. .* --persist-to \\S+\\n$`));
  });

  test("takes the options of the systemd unit, whose state directory systemd makes", async () => {
    const [, home] = /^WorkingDirectory=(\S+)$/m.exec(unit) ?? [];
    const [, command = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    const [node, ...args] = command.split(" ");
    expect(node).toBe(`${home}/node_modules/.bin/node`);
    expect(existsSync(join(projectDirectory, "node_modules", ".bin", "node"))).toBe(true);
    const [, state] = /^StateDirectory=(\S+)$/m.exec(unit) ?? [];
    expect(args[args.indexOf("--persist-to") + 1]).toBe(`/var/lib/${state}`);
    // It gets as far as the port, which is taken.
    args[args.indexOf("--port") + 1] = `${gateway.port}`;
    const { exitCode, errors } = await runRefused(args);
    expect({ exitCode, errors }).toEqual({
      exitCode: 1,
      errors: expect.stringMatching(/^Port \d+ is taken/),
    });
  });

  test("has a key in the .dev.vars that the systemd unit says how to make", () => {
    const directory = mkdtempSync(join(tmpdir(), "gateway-unit-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    cpSync(join(projectDirectory, ".dev.vars.example"), join(directory, ".dev.vars.example"));
    const [command = ""] = /sed .* \.dev\.vars$/m.exec(unit) ?? [];
    expect(command).toContain(` -o ${/^User=(\S+)$/m.exec(unit)?.[1]} `);
    const { status } = spawnSync("sh", ["-c", command.replace(/-o \S+/, "")], { cwd: directory });
    expect(status).toBe(0);
    expect(Buffer.from(readDevVar("ENCRYPTION_KEY", directory), "base64")).toHaveLength(32);
    expect({ ...readDevVars(directory), ENCRYPTION_KEY: "" }).toEqual(
      parseEnv(readFileSync(join(directory, ".dev.vars.example"), "utf8")),
    );
  });

  test("ends with exit code 1 and a sentence when another gateway has the state, or it cannot be used", async () => {
    const directory = mkdtempSync(join(tmpdir(), "gateway-refused-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "file");
    writeFileSync(file, "");
    const damaged = join(directory, "damaged");
    const databases = join(damaged, "v3", "d1", "miniflare-D1DatabaseObject");
    mkdirSync(databases, { recursive: true });
    writeFileSync(join(databases, "0.sqlite"), "no database ".repeat(1000));
    const noDirectory = join(directory, "no-directory");
    mkdirSync(noDirectory);
    writeFileSync(join(noDirectory, "v3"), "");
    const lanes = join(directory, "lanes");
    const lane = join(lanes, "v3", "do", "orchest-webhooks-WebhookLane");
    mkdirSync(lane, { recursive: true });
    writeFileSync(join(lane, "1.sqlite"), "no lane".repeat(1000));
    const cases: [state: string, sentence: RegExp][] = [
      [
        gateway.stateDirectory,
        /^Another gateway uses the state in .* \(http:\/\/127\.0\.0\.1:\d+, process \d+\)\. Stop it, or/,
      ],
      [file, /^The state directory .*file cannot be written \(.*\)\. Mend that, or take another/],
      ["/proc/none", /^The state directory \/proc\/none cannot be written/],
      [noDirectory, /^The state is damaged: .*v3.* cannot be read \(.*\)\. Restore /],
      [lanes, /^The state is damaged: .*1\.sqlite cannot be read \(file is not a database\)\. Restore /],
      [damaged, /^The state is damaged: .*0\.sqlite cannot be read \(.*\)\. Restore /],
    ];
    for (const [state, sentence] of cases) {
      const { exitCode, errors } = await startRefused(state);
      expect({ state, exitCode, errors }).toEqual({
        state,
        exitCode: 1,
        errors: expect.stringMatching(sentence),
      });
      expect(errors.trim().split("\n"), "only our sentence").toHaveLength(1);
    }
  });

  test("prints no line for a request that succeeds, and one for a request that is refused", async () => {
    const refused = "/api/notifications/subscribers/not-there";
    expect((await call(gateway, "GET", "/api/events")).status).toBe(200);
    expect((await call(gateway, "GET", refused)).status).toBe(404);
    await eventually("the refused request is printed", () => gateway.output.includes('"status":404'));
    expect(gateway.output).not.toContain('"status":200');
  });

  test("ends with exit code 0 on SIGTERM, leaves no process behind, and has webhooks and undelivered events after the next start", async () => {
    const type = "project:updated";
    const receiver = await Receiver.start();
    const webhook = await createWebhook(gateway, { url: receiver.url, secret: "mine", eventTypes: [type] });
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

  test("ends, with all that it started, when the npm that runs it gets SIGTERM", async () => {
    const directory = mkdtempSync(join(tmpdir(), "gateway-npm-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const port = await freePort();
    const npm = spawn("npm", ["start", "--", "--port", `${port}`, "--persist-to", directory], {
      cwd: projectDirectory,
      detached: true,
      stdio: ["ignore", "pipe", "inherit"],
    });
    npm.stdout.resume();
    await eventually("it serves", async () => (await health(port)) === 200);
    npm.kill("SIGTERM");
    await eventually("nothing serves any more", async () => (await health(port)) === null);
    expect(await eventually("the state is free again", () => isStateFree(directory))).toBe(true);
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

/** Starts a gateway on a state that it must refuse. */
async function startRefused(state: string): Promise<{ exitCode: number; errors: string }> {
  return runRefused(["tools/start.ts", "--port", `${await freePort()}`, "--persist-to", state]);
}

/** Runs a program that is to end by itself. */
async function runRefused(command: string[]): Promise<{ exitCode: number; errors: string }> {
  const child = spawn(process.execPath, command, { cwd: projectDirectory });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const [exitCode] = (await once(child, "close")) as [number];
  return { exitCode, errors };
}

/** @returns the status of /health; null when nothing serves. */
async function health(port: number): Promise<number | null> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/health`)).status;
  } catch {
    return null;
  }
}

/** Whether nobody holds the lock on a state directory. */
function isStateFree(directory: string): boolean {
  const database = new DatabaseSync(join(directory, "gateway.lock"));
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

function printedCurls(output: string): string[] {
  return output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("curl "));
}
