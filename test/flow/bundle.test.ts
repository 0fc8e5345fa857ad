/** The Worker as it is bundled for this machine. `wrangler deploy` takes the same settings. */
import { expect, test } from "vitest";
import { builtWorker } from "../../tools/built-worker.ts";
import { ensureDevVars } from "../../tools/dev-vars.ts";

test("the bundle has zod's English messages, and no other language", async () => {
  ensureDevVars();
  const { script } = (await builtWorker({})) as { script: string };
  const languages = script.matchAll(/zod\/v4\/locales\/([\w-]+)\.js/g);
  expect([...languages].map(([, language]) => language)).toEqual(["en"]);
});
