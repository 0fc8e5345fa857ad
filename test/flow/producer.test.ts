import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { producerWorker } from "../../tools/producer-worker.ts";
import { forAll } from "../for-all.ts";
import { call } from "./client.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./gateway.ts";
import { freshState } from "./pool-client.ts";

test("the example producer, run by --producer, publishes through the gateway's queue", async () => {
  const state = mkdtempSync(join(tmpdir(), "gateway-producer-"));
  cpSync(await freshState(), state, { recursive: true });
  const options = ["--port", `${await freePort()}`, "--persist-to", state];
  const child = spawn(
    process.execPath,
    ["tools/start.ts", ...options, "--producer", "examples/producer/wrangler.toml"],
    { cwd: projectDirectory },
  );
  onTestFinished(async () => {
    if (child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(state, { recursive: true });
  });
  let output = "";
  const collect = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const [, producer = ""] = await eventually("both serve", () => {
    if (child.exitCode !== null) throw new Error(output);
    return /The producer serves on (\S+)/.exec(output);
  });
  const [, url = "", token = ""] = /The gateway serves on (\S+)\nLocal API token: (\S+)/.exec(output) ?? [];

  const answer = await fetch(`${producer}/?name=Demo`, { method: "POST" });
  const { published } = (await answer.json()) as { published: string };
  const event = await eventually("the event is in the archive", async () => {
    const { status, json } = await call({ url, token }, "GET", `/api/events/${published}`);
    return status === 200 && json;
  });
  expect(event).toMatchObject({ published_by: "queue", event: { project: { name: "Demo" } } });
});

describe("a producer that cannot publish", () => {
  const address = { host: "127.0.0.1", port: 1 };
  const example = readFileSync(join(projectDirectory, "examples/producer/wrangler.toml"), "utf8");

  test("is refused with a sentence that names its file and what is wrong", async () => {
    const directory = mkdtempSync(join(tmpdir(), "producer-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "wrangler.toml");
    const settings = example.slice(0, example.indexOf("[["));
    await forAll<[text: string, problem: string]>(
      [
        [
          example.replace('"events"', '"orchest-events"'),
          'queue "orchest-events" is not one of those that the gateway consumes: events, events-dlq.',
        ],
        [
          `${example}[[queues.producers]]\nqueue = "other"\nbinding = "OTHER"\n`,
          'queue "other" is not one of those that the gateway consumes: events, events-dlq.',
        ],
        [settings, "queues: must have a [[queues.producers]] with the queue and the binding."],
        [`${settings}[queues]\n`, "queues.producers: must be a list, as from [[queues.producers]]."],
        [`${settings}queues.producers = []`, "queues.producers: must not be empty."],
        [example.replace('queue = "events"', ""), "queues.producers.0.queue: must be a text."],
        [example.replace(/^name.*$/m, ""), "name: must be a text."],
        [example.replace(/^main.*$/m, "main = 1"), "main: must be a text."],
        [example.replace(/"(2026-\d\d-\d\d)"/, "$1"), "compatibility_date: must be a text."],
      ],
      async (text, problem) => {
        writeFileSync(file, text);
        await expect(producerWorker(file, address)).rejects.toThrow(
          new Error(`The producer cannot run. ${file}: ${problem}`),
        );
      },
    );
    writeFileSync(file, "{}");
    await expect(producerWorker(file, address)).rejects.toThrow(
      /^The producer cannot run\. \S+ cannot be read as TOML/,
    );
    rmSync(file);
    await expect(producerWorker(file, address)).rejects.toThrow(
      /^The producer cannot run\. \S+ cannot be read .*ENOENT/,
    );
  });

  test("is refused by npm run dev, and at the last port, which has none after it", async () => {
    const toml = ["--producer", "examples/producer/wrangler.toml"];
    const dev = spawnSync(process.execPath, ["tools/dev.ts", ...toml], {
      cwd: projectDirectory,
      encoding: "utf8",
    });
    expect({ status: dev.status, stderr: dev.stderr }).toEqual({
      status: 2,
      stderr: "A producer runs beside npm start only.\n",
    });
    const options = ["--port", "65535", ...toml];
    const last = spawnSync(process.execPath, ["tools/start.ts", ...options], {
      cwd: projectDirectory,
      encoding: "utf8",
    });
    expect({ status: last.status, stderr: last.stderr }).toEqual({
      status: 2,
      stderr: '--port must be a whole number from 1 to 65534, not "65535".\n',
    });
  });
});
