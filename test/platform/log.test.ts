import { describe, expect, it } from "vitest";
import { log } from "../../src/platform/log";
import { captureLog } from "../receiver";

/** What a line says under `error`. */
function logError(error: string): unknown {
  const { logged } = captureLog();
  log("warn", "failed", { error });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a line is an object
  return (JSON.parse(logged()) as { error: unknown }).error;
}

describe("a line of the log", () => {
  it("is JSON with its level, its message and its fields", () => {
    const { logged } = captureLog();
    log("info", "attempt", { status: 200, error: null, nested: { url: "https://a.com/secret" } });
    expect(JSON.parse(logged())).toEqual({
      level: "info",
      message: "attempt",
      status: 200,
      error: null,
      nested: { url: "https://a.com" },
    });
  });

  it.each([
    ["https://hooks.example.com/services/secret", "https://hooks.example.com"],
    [
      "Fetch API cannot load: https://hooks.example.com/secret?secret=1#secret.",
      "Fetch API cannot load: https://hooks.example.com",
    ],
    ["http://user:secret@hooks.example.com:8080/x", "http://hooks.example.com:8080"],
    ["WSS://Hooks.example.com/secret", "wss://hooks.example.com"],
    ['invalid URL "https://hooks.example.com/secret"', 'invalid URL "https://hooks.example.com"'],
    ["https://a.com/secret and https://b.com/secret", "https://a.com and https://b.com"],
    ["https://[secret", "(a URL)"],
    ["nothing to cut", "nothing to cut"],
  ])("cuts a URL to its origin: %s", (text, shown) => {
    expect(logError(text)).toBe(shown);
  });

  it("leaves out what a failed query was called with", () => {
    const shown = logError("Error: Failed query: insert into webhooks values (?)\nparams: secret,\nsecret");
    expect(shown).toBe("Error: Failed query: insert into webhooks values (?)\nparams: …");
  });

  it("is one line, whatever it says", () => {
    const { logged } = captureLog();
    log("warn", "failed", { error: 'a\r\n{"level":"info"}\u2028' });
    expect(logged().split("\n")).toHaveLength(1);
  });
});
