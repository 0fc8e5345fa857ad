import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ensureDevVars, readDevVar } from "../../tools/dev-vars.ts";

describe("ensureDevVars", () => {
  test("makes .dev.vars from its example, with 32 random bytes as ENCRYPTION_KEY", () => {
    const [first, second] = [makeDirectory(), makeDirectory()];
    ensureDevVars(first);
    ensureDevVars(second);

    expect(readDevVar("API_TOKENS", first)).toBe("token");
    const key = readDevVar("ENCRYPTION_KEY", first);
    expect(Buffer.from(key, "base64")).toHaveLength(32);
    expect(readDevVar("ENCRYPTION_KEY", second)).not.toBe(key);
    expect(readdirSync(first).toSorted()).toEqual([".dev.vars", ".dev.vars.example"]);
  });

  test("leaves a .dev.vars that exists as it is", () => {
    const directory = makeDirectory();
    const path = join(directory, ".dev.vars");
    writeFileSync(path, 'ENCRYPTION_KEY=""\n');
    ensureDevVars(directory);

    expect(readFileSync(path, "utf8")).toBe('ENCRYPTION_KEY=""\n');
  });

  test("writes nothing when there is a .dev.vars: whoever runs the gateway may not be allowed to", () => {
    const directory = makeDirectory();
    forbidDraft(directory);
    writeFileSync(join(directory, ".dev.vars"), "");
    expect(() => ensureDevVars(directory)).not.toThrow();
  });

  test("fails with a sentence that says what to do when .dev.vars cannot be made, or not be read", () => {
    const directory = makeDirectory();
    forbidDraft(directory);
    expect(() => ensureDevVars(directory)).toThrow(
      /^\S+\.dev\.vars cannot be made \(EISDIR.*\)\. Let this user write to \S+, or make it from/,
    );
    expect(() => ensureDevVars(join(directory, "none"))).toThrow(/cannot be made \(ENOENT/);
    mkdirSync(join(directory, ".dev.vars"));
    expect(() => readDevVar("API_TOKENS", directory)).toThrow(
      /^\S+\.dev\.vars cannot be read \(EISDIR.*\)\. /,
    );
  });
});

/** Makes the file that is written first impossible, for every user. */
function forbidDraft(directory: string): void {
  mkdirSync(join(directory, `.dev.vars.${process.pid}`));
}

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "dev-vars-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, ".dev.vars.example"), 'API_TOKENS="token"\nENCRYPTION_KEY=""\n');
  return directory;
}
