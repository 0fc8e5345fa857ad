import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { applyMigrations } from "../../tools/migrate.ts";
import { freshState } from "./pool-client.ts";

test("applyMigrations runs nothing for a state that has had all, and wrangler for one whose database is gone", async () => {
  const state = mkdtempSync(join(tmpdir(), "migrate-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  cpSync(await freshState(), state, { recursive: true });
  // What is run with this signal ends at once.
  const stopped = AbortSignal.abort();
  await applyMigrations(state, stopped);
  rmSync(join(state, "v3", "d1"), { recursive: true });
  await expect(applyMigrations(state, stopped)).rejects.toThrow("abort");
});
