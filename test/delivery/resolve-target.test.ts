import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refuseResolvedTarget } from "../../src/delivery/resolve-target";
import { restartClock } from "../clock";
import { addresses, hanging, receiver, type Resolving } from "../receiver";

const strictly = { allowPrivateTargets: false, allowHttpTargets: true, gatewayHosts: [] };
const locally = { ...strictly, allowPrivateTargets: true };
const url = new URL("https://hooks.example.com/services/secret-path?token=secret");

/** Answers the questions for each kind of address. */
function internet(v4: string[], v6: string[] = []): Resolving {
  return (_, type) => addresses(...(type === "A" ? v4 : v6));
}

describe("a name", () => {
  it("that resolves to public addresses is a target", async () => {
    receiver(undefined, internet(["93.184.216.34", "1.1.1.1"], ["2606:4700::1"]));
    expect(await refuseResolvedTarget(url, strictly)).toBeNull();
  });

  it.each([
    ["a private address", ["10.0.0.1"], []],
    ["loopback", ["127.0.0.1"], []],
    ["a cloud's metadata", ["169.254.169.254"], []],
    ["a private address among public ones", ["1.1.1.1", "8.8.8.8", "192.168.0.1"], ["2606:4700::1"]],
    ["a public and a unique local address", ["1.1.1.1"], ["fd00::1"]],
    ["IPv6's loopback", [], ["::1"]],
    ["a mapped address", [], ["::ffff:10.0.0.1"]],
    ["NAT64", [], ["64:ff9b::a00:1"]],
    ["6to4", [], ["2002:a00:1::"]],
    ["no address at all", ["nonsense"], []],
  ])("that resolves to %s is none", async (_, v4, v6) => {
    receiver(undefined, internet(v4, v6));
    const refusal = await refuseResolvedTarget(url, strictly);
    expect(refusal).toMatch(/resolves to an address that is not public/);
    expect(refusal).not.toMatch(/hooks\.example|secret|\d/);
  });

  it("that is an alias is what its addresses are", async () => {
    const Answer = [
      { name: "hooks.example.com", type: 5, TTL: 60, data: "elsewhere.example.net." },
      { name: "elsewhere.example.net", type: 1, TTL: 60, data: "10.0.0.1" },
    ];
    receiver(undefined, () => Response.json({ Status: 0, Answer }));
    expect(await refuseResolvedTarget(url, strictly)).not.toBeNull();
  });

  it("that does not exist yet is a target, and nothing to log", async () => {
    const { logged } = receiver();
    expect(await refuseResolvedTarget(url, strictly)).toBeNull();
    expect(logged()).toBe("");
  });

  it("that has no addresses is a target, and nothing to log", async () => {
    const { logged } = receiver(undefined, () => Response.json({ Status: 0 }));
    expect(await refuseResolvedTarget(url, strictly)).toBeNull();
    expect(logged()).toBe("");
  });

  it("is asked for once per kind of address, as DNS knows it, and nothing else is told", async () => {
    const asked: string[] = [];
    receiver(undefined, (name, type) => {
      asked.push(`${type} ${name}`);
      return addresses();
    });
    await refuseResolvedTarget(new URL("https://u\u0308ber.Example.com.:8443/secret?secret"), strictly);
    expect(asked.toSorted()).toEqual(["A xn--ber-goa.example.com", "AAAA xn--ber-goa.example.com"]);
    expect(JSON.stringify(vi.mocked(fetch).mock.calls)).not.toContain("secret");
  });

  it.each(["http://10.0.0.1/", "http://localhost/", "ftp://example.com/"])(
    "is not asked for when the URL is refused already: %s",
    async (refused) => {
      receiver();
      expect(await refuseResolvedTarget(new URL(refused), strictly)).not.toBeNull();
      expect(fetch).not.toHaveBeenCalled();
    },
  );

  it("is not asked for where private targets are allowed", async () => {
    receiver(undefined, internet(["127.0.0.1"]));
    expect(await refuseResolvedTarget(url, locally)).toBeNull();
    expect(fetch).not.toHaveBeenCalled();
  });
});

describe("a resolver that", () => {
  const broken: [what: string, resolving: Resolving][] = [
    ["cannot be reached", () => Promise.reject(new Error("Network connection lost."))],
    ["answers 500", () => new Response("no", { status: 500 })],
    ["redirects", () => new Response(null, { status: 302, headers: { Location: "https://example.com/" } })],
    ["answers no JSON", () => new Response("<html>")],
    ["answers other JSON", () => Response.json({ answer: 42 })],
    ["answers with records that are none", () => Response.json({ Status: 0, Answer: ["10.0.0.1"] })],
    ["answers null", () => new Response("null")],
    ["answers more than is read", () => new Response(`{"Status":0,"Comment":"${"x".repeat(100_000)}"}`)],
    ["fails to find out", () => Response.json({ Status: 2 })],
  ];

  it.each(broken)("%s is logged, and is no refusal", async (_, resolving) => {
    const { logged } = receiver(undefined, resolving);
    expect(await refuseResolvedTarget(url, strictly)).toBeNull();
    expect(logged()).toContain('"message":"target not resolved","host":"hooks.example.com","type":"A"');
    expect(logged()).not.toContain("secret");
  });

  it.each(broken)("%s for one kind of address does not hide the other", async (_, resolving) => {
    receiver(undefined, (name, type) => (type === "A" ? resolving(name, type) : addresses("fd00::1")));
    expect(await refuseResolvedTarget(url, strictly)).not.toBeNull();
  });
});

describe("a resolver that does not answer", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));
  afterEach(restartClock);

  it("is given 2 s", async () => {
    const { logged } = receiver();
    vi.mocked(fetch).mockImplementation((_, init) =>
      hanging({ signal: init?.signal ?? new AbortController().signal }),
    );
    let state = "waiting";
    const asked = refuseResolvedTarget(url, strictly).finally(() => (state = "ended"));
    await vi.advanceTimersByTimeAsync(1999);
    expect(state).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await asked).toBeNull();
    expect(logged()).toContain("target not resolved");
  });
});
