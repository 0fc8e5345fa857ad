import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readEgresses } from "../../../src/platform/egress-settings";
import { attempt, type AttemptResult } from "../../../src/send/attempt";
import { openTransport } from "../../../src/send/egress/open-transport";

const request = {
  url: "https://10.1.2.3/hook",
  headers: { "X-Orchest-Event": "ping" },
  body: new TextEncoder().encode("body"),
  timeoutMs: 5000,
  verify: true,
};

function through(bindings: object, entry: object): Promise<AttemptResult> {
  const [egress] = readEgresses(JSON.stringify([{ name: "vpc", for: ["private"], ...entry }]), false);
  if (egress === undefined) throw new Error("There is no egress.");
  return attempt(request, openTransport({ ...env, ...bindings }, egress, 2048));
}

describe("a binding that stands in for a relay", () => {
  it("makes the request, and its answer is the receiver's", async () => {
    const seen: Request[] = [];
    const VPC = {
      async fetch(url: string, init: RequestInit) {
        seen.push(new Request(url, init));
        return new Response("done", { status: 202 });
      },
    };
    expect(await through({ VPC }, { binding: "VPC" })).toMatchObject({
      egress: "vpc",
      status: 202,
      responseBody: "done",
    });
    expect(seen[0]?.url).toBe(request.url);
    expect(seen[0]?.method).toBe("POST");
    expect(seen[0]?.headers.get("X-Orchest-Event")).toBe("ping");
    expect(await seen[0]?.text()).toBe("body");
  });

  it("blames the receiver for a connection that fails", async () => {
    const VPC = { fetch: () => Promise.reject(new Error("Network connection lost.")) };
    expect(await through({ VPC }, { binding: "VPC" })).toMatchObject({ egress: "vpc", error: "connection" });
  });

  it("is a failure of ours where the deployment does not have it", async () => {
    const missing = { kind: "egress", message: expect.stringContaining("the binding VPC") as string };
    await expect(async () => through({}, { binding: "VPC" })).rejects.toMatchObject(missing);
    await expect(async () => through({ VPC: "text" }, { binding: "VPC" })).rejects.toMatchObject(missing);
  });

  it("may also be the way to a relay", async () => {
    const urls: string[] = [];
    const VPC = {
      async fetch(url: string) {
        urls.push(url);
        return new Response("", { status: 502 });
      },
    };
    const secret = "0123456789abcdef0123456789abcdef";
    const entry = { binding: "VPC", url: "http://relay.internal/", secret };
    await expect(through({ VPC }, entry)).rejects.toMatchObject({
      kind: "egress",
      message: expect.stringContaining("says 502") as string,
    });
    expect(urls).toEqual(["http://relay.internal/"]);
  });
});
