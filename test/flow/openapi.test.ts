import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ruleset, Spectral } from "@stoplight/spectral-core";
import { oas } from "@stoplight/spectral-rulesets";
import { beforeAll, expect, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { BorrowedGateway } from "./borrowed-gateway.ts";

const run = promisify(execFile);

let gateway: BorrowedGateway;
beforeAll(async () => {
  gateway = await BorrowedGateway.borrow();
  return () => gateway.giveBack();
});

test("redocly has nothing to say about the OpenAPI document", async () => {
  const directory = mkdtempSync(join(tmpdir(), "openapi-"));
  try {
    const path = join(directory, "openapi.json");
    writeFileSync(path, await (await fetch(`${gateway.url}/openapi.json`)).text());
    const redocly = join(projectDirectory, "node_modules/@redocly/cli/bin/cli.js");
    const { stdout } = await run(
      process.execPath,
      [redocly, "lint", "--format", "json", "--config", join(projectDirectory, "redocly.yaml"), path],
      { env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" } },
    );
    expect((JSON.parse(stdout) as { problems: unknown[] }).problems).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("spectral has nothing to say about the OpenAPI document", async () => {
  const spectral = new Spectral();
  spectral.setRuleset(new Ruleset({ extends: oas, rules: { "oas3-parameter-description": "warn" } }));
  const document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as Record<string, unknown>;
  expect(await spectral.run(document)).toEqual([]);
});
