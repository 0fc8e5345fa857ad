import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { applyMigrations } from "../../tools/migrate.ts";
import { freshState } from "./pool-client.ts";

test("applyMigrations opens no database that has had all, and makes one that is gone", async () => {
  const state = mkdtempSync(join(tmpdir(), "migrate-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  cpSync(await freshState(), state, { recursive: true });
  const marker = join(state, "v3", "d1", "migrations-applied");
  const { mtimeMs } = statSync(marker);
  await applyMigrations(state);
  expect(statSync(marker).mtimeMs).toBe(mtimeMs);
  const applied = readFileSync(marker, "utf8");
  rmSync(join(state, "v3", "d1"), { recursive: true });
  await applyMigrations(state);
  expect(readFileSync(marker, "utf8")).toBe(applied);
});
