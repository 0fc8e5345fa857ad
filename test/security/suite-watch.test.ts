import { expect, it } from "vitest";
import { log } from "../../src/platform/log";
import { leaks, secretPath, watch, webhookSecret } from "../secrets";

it("the watch over all tests finds a secret in an answer and in a log line", () => {
  watch("an answer", `{"secret":"${webhookSecret}"}`);
  log("warn", `no URL, so not cut: ${secretPath}`);
  expect(leaks()).toEqual([
    expect.stringContaining("an answer holds"),
    expect.stringContaining("a log line holds"),
  ]);
});
