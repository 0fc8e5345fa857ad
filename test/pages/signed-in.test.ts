import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app";
import type { Scope } from "../../src/auth/scopes";
import { renderPage } from "../../src/pages/layout";
import { signedIn } from "../../src/pages/current-user";
import { makeUsedToken } from "../tokens";
import { origin, signIn } from "./page";

/** The app with a page for people who may do this. */
function appWithPage(scope: Scope): ReturnType<typeof createApp> {
  const app = createApp();
  app.on(["GET", "POST"], "/page", signedIn(scope), (c) =>
    renderPage(c, { title: "A page", user: c.var.caller, section: "/" }, c.var.caller.name),
  );
  return app;
}

describe("a page for people who are signed in", () => {
  it("leads others to the sign-in, and they come back", async () => {
    const response = await appWithPage("webhooks:read").request(`${origin}/page?cursor=7`, {}, env);
    expect(response.status).toBe(303);
    expect(response.headers.get("Location")).toBe("/sign-in?next=%2Fpage%3Fcursor%3D7");
  });

  it("leads a form of someone whose session has ended to the sign-in, which knows that nothing was saved", async () => {
    const request = { method: "POST", headers: { Origin: origin }, body: new URLSearchParams() };
    const response = await appWithPage("webhooks:read").request(`${origin}/page?cursor=7`, request, env);
    expect(response.status).toBe(303);
    expect(response.headers.get("Location")).toBe("/sign-in?unsaved=yes&next=%2Fpage");
  });

  it("knows the person, and shows the way out and where they are", async () => {
    const { token } = await makeUsedToken(["webhooks:read"], { name: "<b>Ada</b> & Co" });
    const headers = { Cookie: await signIn(token) };
    const response = await appWithPage("webhooks:read").request(`${origin}/page`, { headers }, env);
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain("&lt;b&gt;Ada&lt;/b&gt; &amp; Co");
    expect(html).not.toContain("<b>Ada");
    expect(html).toContain('action="/sign-out"');
    expect(html).toContain('<a href="/" aria-current="page">');
  });

  it("is refused with 403 to who lacks the scope, and says which", async () => {
    const { token } = await makeUsedToken(["webhooks:read"]);
    const headers = { Cookie: await signIn(token) };
    const response = await appWithPage("webhooks:write").request(`${origin}/page`, { headers }, env);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("<code>webhooks:write</code>");
  });
});

/** What anyone may ask for. Everything else outside the API is a page that wants someone signed in. */
const open = [
  "GET /docs",
  "GET /health",
  "GET /openapi.json",
  "GET /sign-in",
  "POST /sign-in",
  "POST /sign-out",
  // Relays sign what they say.
  "GET /egress/:name/connect",
];

const app = createApp();

describe("every path outside the API", () => {
  const paths = app.routes
    .filter(({ method, path }) => method !== "ALL" && !path.startsWith("/api/"))
    .map(({ method, path }) => `${method} ${path}`);
  const closed = [...new Set(paths)].filter((path) => !open.includes(path));

  it("that is open is known to be", () => {
    expect(open.filter((path) => !paths.includes(path))).toEqual([]);
  });

  it("leads strangers to the sign-in, unless it is open", async () => {
    for (const path of closed) {
      const [method = "", pattern = ""] = path.split(" ");
      const request = { method, headers: { Origin: origin } };
      const response = await app.request(origin + pattern.replaceAll(":", "x"), request, env);
      expect({ path, status: response.status }).toEqual({ path, status: 303 });
    }
  });
});

describe("a form that was sent too late", () => {
  const { routes } = app;
  const pathsOf = (wanted: string) =>
    routes
      .filter(({ method, path }) => method === wanted && !path.startsWith("/api/"))
      .map(({ path }) => path.replaceAll(":", "x"));
  const pages = new Set(pathsOf("GET"));
  const forms = [...new Set(pathsOf("POST"))].filter((path) => !open.includes(`POST ${path}`));

  it.each(forms)("of %s leads back to the page that it is on", async (path) => {
    const request = { method: "POST", headers: { Origin: origin } };
    const response = await app.request(origin + path, request, env);
    const signInUrl = new URL(response.headers.get("Location") ?? "", origin);
    expect(signInUrl.pathname).toBe("/sign-in");
    expect(signInUrl.searchParams.get("unsaved")).toBe("yes");
    expect([...pages]).toContain(signInUrl.searchParams.get("next") ?? "/");
  });

  it("of dead letters redirects back to them, and not to the confirmation", async () => {
    const request = { method: "POST", headers: { Origin: origin } };
    const response = await app.request(`${origin}/dead/replay`, request, env);
    expect(response.headers.get("Location")).toBe("/sign-in?unsaved=yes&next=%2Fdead");
  });
});

describe("every answer", () => {
  it.each(["/sign-in", "/health", "/nothing-is-here", "/api/audit"])(
    "forbids browsers all that is not this site's own: %s",
    async (path) => {
      const { headers } = await app.request(origin + path, {}, env);
      const policy = headers.get("Content-Security-Policy")?.split("; ");
      expect(policy?.toSorted()).toEqual([
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data:",
        "script-src 'self'",
        "style-src 'self'",
      ]);
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(headers.get("Cache-Control")).toBe("no-store, no-transform");
      expect(headers.get("Strict-Transport-Security")).not.toContain("includeSubDomains");
    },
  );
});
