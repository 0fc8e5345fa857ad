import { describe, expect, it } from "vitest";
import { classifyException, classifyResponse } from "../../src/send/error-class";
import { forAll } from "../for-all";

describe("the class of an answer", () => {
  it("follows from its status, and from its body where Cloudflare answers for it", () =>
    forAll(
      [
        [200, "", null],
        [299, "", null],
        [300, "", "redirect"],
        [399, "", "redirect"],
        [400, "", "http_4xx"],
        [499, "", "http_4xx"],
        [500, "", "http_5xx"],
        [503, "", "http_5xx"],
        [521, "", "connection"],
        [522, "", "timeout"],
        [523, "", "connection"],
        [524, "", "timeout"],
        [525, "", "tls"],
        [526, "", "tls"],
        [530, "error code: 1016", "dns"],
        [530, "error code: 1033", "connection"],
        [530, "", "http_5xx"],
        [599, "", "http_5xx"],
      ],
      (status, body, error) => {
        expect(classifyResponse(status, body)).toBe(error);
      },
    ));
});

describe("the class of an exception", () => {
  it("follows from its text", () =>
    forAll(
      [
        ["Network connection lost.", "connection"],
        ["internal error; reference = 0123456789abcdef", "connection"],
        ["TLS peer's certificate is not trusted", "tls"],
        ["DNS lookup failed", "dns"],
      ],
      (text, error) => {
        expect(classifyException(new Error(text))).toBe(error);
      },
    ));

  it("of something that is no error is a connection's", () => {
    expect(classifyException(undefined)).toBe("connection");
  });
});
