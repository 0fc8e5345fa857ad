import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./gateway.ts";
import { hubSignature } from "./receiver.ts";

const body = '{"delivered_for": {}, "event": {}}';
const delivery = randomUUID();
const orchestHeaders = {
  "X-Orchest-Event": "project:created",
  "X-Orchest-Delivery": delivery,
  "X-Orchest-Sequence": "7",
  "X-Orchest-Attempt": "2",
  "X-Hub-Signature": hubSignature("right secret", body),
};

describe("npm run receiver", () => {
  test.for([
    { options: ["--secret", "right secret"], verdict: "right" },
    { options: ["--secret", "another secret"], verdict: "WRONG" },
    { options: [], verdict: "not checked" },
  ])(
    "prints one line for a delivery, with its signature $verdict under $options",
    async ({ options, verdict }) => {
      const receiver = await startExample(options);
      await fetch(receiver.url, { method: "POST", headers: orchestHeaders, body });
      expect(await receiver.firstDelivery()).toBe(
        `#7  project:created  delivery ${delivery}  attempt 2  signature ${verdict}`,
      );
    },
  );

  test("prints a dash for the sequence and the attempt of a ping", async () => {
    const receiver = await startExample([]);
    const headers = { "X-Orchest-Event": "ping", "X-Orchest-Delivery": delivery };
    await fetch(receiver.url, { method: "POST", headers, body });
    expect(await receiver.firstDelivery()).toBe(
      `#-  ping  delivery ${delivery}  attempt -  signature not checked`,
    );
  });

  test("answers with --status, whatever the signature", async () => {
    const receiver = await startExample(["--secret", "another secret", "--status", "503", "--delay", "1"]);
    const response = await fetch(receiver.url, { method: "POST", headers: orchestHeaders, body });
    expect(response.status).toBe(503);
  });

  test.for([
    {
      options: ["--status", "abc"],
      sentence: '--status must be a whole number from 200 to 599, not "abc".\n',
    },
    {
      options: ["--port", "65536"],
      sentence: '--port must be a whole number from 1 to 65535, not "65536".\n',
    },
    { options: ["--secret="], sentence: "--secret must not be empty.\n" },
    { options: ["--colour"], sentence: "Unknown option '--colour'\n" },
  ])("ends with exit code 2 and one sentence on $options", ({ options, sentence }) => {
    const { status, stderr } = spawnSync(process.execPath, ["tools/receiver.ts", ...options], {
      cwd: projectDirectory,
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({ status: 2, stderr: sentence });
  });

  test("ends when the npm that runs it gets SIGTERM", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const listens = () =>
      fetch(url).then(
        () => true,
        () => false,
      );
    const npm = spawn("npm", ["run", "receiver", "--", "--port", new URL(url).port], {
      cwd: projectDirectory,
      stdio: "ignore",
    });
    await eventually("the receiver listens", listens);
    npm.kill("SIGTERM");
    expect(await eventually("nobody listens", async () => !(await listens()))).toBe(true);
  });
});

/** The example receiver as a process. `firstDelivery` waits for its first line about a delivery. */
async function startExample(
  options: string[],
): Promise<{ url: string; firstDelivery: () => Promise<string> }> {
  const port = await freePort();
  const child: ChildProcess = spawn(
    process.execPath,
    ["tools/receiver.ts", "--port", `${port}`, ...options],
    {
      cwd: projectDirectory,
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  onTestFinished(() => void child.kill());
  let printed = "";
  child.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  const line = (index: number) => printed.split("\n").slice(0, -1)[index];
  await eventually("the receiver listens", () => line(0));
  return {
    url: `http://127.0.0.1:${port}`,
    firstDelivery: () => eventually("the receiver prints a delivery", () => line(1)),
  };
}
