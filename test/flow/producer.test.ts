import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
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
