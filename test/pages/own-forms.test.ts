import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app";
import { makeUsedToken } from "../tokens";
import { origin, signIn } from "./page";

const app = createApp();

/** Every path outside the API that takes more than being looked at. */
const unsafe = app.routes
  .filter(({ method, path }) => !["ALL", "GET"].includes(method) && !path.startsWith("/api/"))
  .map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+/g, "x") }));

const contentTypes = [
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "text/plain",
  "application/json",
  "Application/JSON; charset=utf-8",
  "application/octet-stream",
  "image/png",
  "nonsense",
  "",
  null,
];

const foreign: Record<string, string>[] = [
  {},
  { Origin: "https://evil.test" },
  { Origin: "null" },
  { Origin: "" },
  { Origin: `${origin}.evil.test` },
  { Origin: `${origin}:8443` },
  { Origin: origin.replace("https:", "http:") },
  { Origin: `${origin}, https://evil.test` },
  { Origin: "https://evil.test", "Sec-Fetch-Site": "cross-site" },
  { Origin: "https://other.gateway.test", "Sec-Fetch-Site": "same-site" },
  { Origin: "null", "Sec-Fetch-Site": "none" },
  { "Sec-Fetch-Site": "Same-Origin" },
  { "Sec-Fetch-Site": "" },
  { Referer: `${origin}/` },
];

const own: Record<string, string>[] = [
  { Origin: origin },
  { Origin: origin, "Sec-Fetch-Site": "same-origin" },
  // With the referrer policy of the pages, this is what browsers send along with a form.
  { Origin: "null", "Sec-Fetch-Site": "same-origin" },
  { "Sec-Fetch-Site": "same-origin" },
];

async function statusOf(
  { method, path }: { method: string; path: string },
  headers: Record<string, string>,
): Promise<number> {
  return (await app.request(origin + path, { method, headers }, env)).status;
}

describe("what changes something outside the API", () => {
  it("is taken from this site's own pages only, whatever its content type says", async () => {
    const { token } = await makeUsedToken(["webhooks:write"]);
    const Cookie = await signIn(token);
    expect(unsafe.length).toBeGreaterThan(10);
    for (const form of unsafe) {
      for (const [place, contentType] of contentTypes.entries()) {
        const type: Record<string, string> = contentType === null ? {} : { "Content-Type": contentType };
        // One of them with everything, the others with each content type and each origin once or more.
        const some = [place, place + contentTypes.length].map((at) => foreign[at % foreign.length] ?? {});
        for (const from of form.path === "/sign-out" ? foreign : new Set(some)) {
          const status = await statusOf(form, { Cookie, ...type, ...from });
          expect({ ...form, contentType, from, status }).toEqual({ ...form, contentType, from, status: 403 });
        }
      }
    }
  });

  it("is no method that a page does not have, whoever sends it", async () => {
    for (const method of ["PUT", "DELETE", "PATCH", "PROPFIND", "TRACE", "post"]) {
      for (const from of [...foreign, ...own]) {
        expect({ method, from, status: await statusOf({ method, path: "/" }, from) }).toEqual({
          method,
          from,
          status: 405,
        });
      }
    }
  });

  it("is taken from those, in the ways in which browsers say so", async () => {
    for (const from of own) {
      for (const contentType of ["application/json", "application/x-www-form-urlencoded"]) {
        const status = await statusOf(
          { method: "POST", path: "/sign-out" },
          { "Content-Type": contentType, ...from },
        );
        expect({ from, contentType, status }).toEqual({ from, contentType, status: 303 });
      }
    }
  });

  it("is a matter of the token in the API, which takes no cookie", async () => {
    const headers = { Authorization: "Bearer test-token-of-the-suite", Origin: "https://evil.test" };
    expect(await statusOf({ method: "DELETE", path: "/api/tokens/x" }, headers)).toBe(404);
    const { token } = await makeUsedToken(["admin"]);
    const Cookie = await signIn(token);
    expect(await statusOf({ method: "DELETE", path: "/api/tokens/x" }, { Cookie, Origin: origin })).toBe(401);
  });
});
