import { describe, expect, it } from "vitest";
import type { AttemptResult } from "../../src/delivery/attempt";
import { maskFor } from "../../src/delivery/mask-answer";

const settings = {
  url: "https://hooks.example.com/services/T000/XXXX?token=abcdefgh",
  secret: 'quoted "secret" ü',
  previous: { secret: "the-one-before", until: 0 },
  headers: { Authorization: "Bearer top-secret", "X-Short": "1" },
};

function masked(responseBody: string, responseHeaders: Record<string, string> = {}): AttemptResult {
  return maskFor(settings)({
    startedAt: 1,
    durationMs: 2,
    status: 200,
    error: null,
    responseHeaders,
    responseBody,
    retryAfterMs: null,
  });
}

describe("what a receiver repeats of a webhook's secrets", () => {
  it.each([
    ["the URL", settings.url, "https://hooks.example.com********"],
    ["its path", "no such hook: /services/T000/XXXX", "no such hook: ********"],
    ["its query", "with token=abcdefgh", "with ********"],
    ["a value of its query", "token abcdefgh is unknown", "token ******** is unknown"],
    ["the secret", `is it ${settings.secret}?`, "is it ********?"],
    ["the secret in JSON", JSON.stringify({ secret: settings.secret }), '{"secret":"********"}'],
    ["the secret in a URL", `?s=${encodeURIComponent(settings.secret)}&`, "?s=********&"],
    ["the secret before it", "the-one-before, twice: the-one-before", "********, twice: ********"],
    ["a header", '{"Authorization":"Bearer top-secret"}', '{"Authorization":"********"}'],
    ["a header's credentials", "who is top-secret?", "who is ********?"],
    ["the beginning of a secret, where the answer was cut", "who is top-sec", "who is ********"],
  ])("is masked in its answer: %s", (_, body, shown) => {
    expect(masked(body).responseBody).toBe(shown);
  });

  it("is masked in its headers, such as a redirect's Location", () => {
    const { responseHeaders } = masked("", { location: settings.url, server: "nginx" });
    expect(responseHeaders).toEqual({ location: "https://hooks.example.com********", server: "nginx" });
  });

  it.each(["", "ok", "1", "no secrets here", "T000", "token", '{"status":1}'])(
    "is nothing in %j, which stays as it is",
    (body) => {
      expect(masked(body).responseBody).toBe(body);
    },
  );

  it("changes nothing else of what came of the attempt", () => {
    expect(masked("ok")).toMatchObject({ startedAt: 1, durationMs: 2, status: 200, error: null });
  });
});
