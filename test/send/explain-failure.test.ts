import { describe, expect, it } from "vitest";
import { explainFailure } from "../../src/send/explain-failure";

function said(length: number): string {
  return explainFailure({ error: "http_5xx", status: 500, responseBody: "x".repeat(length) }, 5000);
}

const failed = { status: null, responseBody: "" };

describe("the reason of a failed attempt", () => {
  it.each([
    ["timeout", null, "no answer within 5 s"],
    ["dns", null, "the host's name does not resolve"],
    ["tls", null, "the host's certificate is not valid"],
    [
      "connection",
      null,
      "the connection failed: nothing listens there, what listens there does not answer in HTTP, or the host's name or its certificate is wrong",
    ],
    ["blocked", null, "the host may not be reached"],
    ["format_error", null, "the event cannot be a message of the webhook's format"],
    ["redirect", 302, "the receiver answered with a redirect (302), and those are not followed"],
    ["http_4xx", 404, "the receiver answered 404 Not Found"],
    ["http_4xx", 499, "the receiver answered 499"],
    ["http_5xx", 503, "the receiver answered 503 Service Unavailable"],
  ] as const)("%s with the status %s: %s", (error, status, reason) => {
    expect(explainFailure({ ...failed, error, status }, 5000)).toBe(reason);
  });

  it("repeats a line of the receiver's, on one line", () => {
    const answer = { ...failed, error: "http_4xx", status: 403, responseBody: " invalid\n token " } as const;
    expect(explainFailure(answer, 5000)).toBe("the receiver answered 403 Forbidden: “invalid token”");
  });

  it("repeats no page of HTML", () => {
    const answer = { ...failed, error: "http_5xx", status: 502, responseBody: "\n<html>no</html>" } as const;
    expect(explainFailure(answer, 5000)).toBe("the receiver answered 502 Bad Gateway");
  });

  it("repeats 200 characters, and cuts one more off", () => {
    expect(said(200)).toContain(`“${"x".repeat(200)}”`);
    expect(said(201)).toContain(`“${"x".repeat(200)}…”`);
  });
});
