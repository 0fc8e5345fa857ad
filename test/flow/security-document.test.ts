import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";

const document = readFileSync(join(projectDirectory, "SECURITY.md"), "utf8");
const links = [...document.matchAll(/\[([\w-]+)\]\((test\/[^)]+)\)/g)];

test("SECURITY.md names a test for each claim by its file", () => {
  expect(links.length).toBeGreaterThan(30);
  const missing = links.filter(([, , path = ""]) => !existsSync(join(projectDirectory, path)));
  expect(missing.map(([, , path]) => path)).toEqual([]);
  const misnamed = links.filter(([, name, path = ""]) => !path.endsWith(`/${name}.test.ts`));
  expect(misnamed.map(([link]) => link)).toEqual([]);
});

test("SECURITY.md leaves no claim without a test", () => {
  const claims = document
    .split("\n")
    .filter((line) => line.startsWith("| ") && line !== "| claim | shown by |");
  expect(claims.length).toBeGreaterThan(25);
  expect(claims.filter((claim) => !claim.includes("](test/"))).toEqual([]);
});
