import { beforeEach, describe, expect, it, vi } from "vitest";
import { resolvedPrivateReason } from "../../src/send/resolve-target";
import { forAll } from "../for-all";
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
    expect(await resolvedPrivateReason(url, strictly)).toBeNull();
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
    const refusal = await resolvedPrivateReason(url, strictly);
    expect(refusal).toMatch(/resolves to an address that is not public/);
    expect(refusal).not.toMatch(/hooks\.example|secret|\d/);
  });

  it("that is an alias is what its addresses are", async () => {
    const Answer = [
      { name: "hooks.example.com", type: 5, TTL: 60, data: "elsewhere.example.net." },
      { name: "elsewhere.example.net", type: 1, TTL: 60, data: "10.0.0.1" },
    ];
    receiver(undefined, () => Response.json({ Status: 0, Answer }));
    expect(await resolvedPrivateReason(url, strictly)).not.toBeNull();
  });

  it("that does not exist yet is a target, and nothing to log", async () => {
    const { logged } = receiver();
    expect(await resolvedPrivateReason(url, strictly)).toBeNull();
    expect(logged()).toBe("");
  });

  it("that has no addresses is a target, and nothing to log", async () => {
    const { logged } = receiver(undefined, () => Response.json({ Status: 0 }));
    expect(await resolvedPrivateReason(url, strictly)).toBeNull();
    expect(logged()).toBe("");
  });

  it("is asked for once per kind of address, as DNS knows it, and nothing else is told", async () => {
    const asked: string[] = [];
    receiver(undefined, (name, type) => {
      asked.push(`${type} ${name}`);
      return addresses();
    });
    await resolvedPrivateReason(new URL("https://u\u0308ber.Example.com.:8443/secret?secret"), strictly);
    expect(asked.toSorted()).toEqual(["A xn--ber-goa.example.com", "AAAA xn--ber-goa.example.com"]);
    expect(JSON.stringify(vi.mocked(fetch).mock.calls)).not.toContain("secret");
  });

  it.each(["http://10.0.0.1/", "http://localhost/", "ftp://example.com/"])(
    "is not asked for when the URL itself says enough: %s",
    async (refused) => {
      receiver();
      expect(await resolvedPrivateReason(new URL(refused), strictly)).toBeNull();
      expect(fetch).not.toHaveBeenCalled();
    },
  );

  it("is not asked for where private targets are allowed", async () => {
    receiver(undefined, internet(["127.0.0.1"]));
    expect(await resolvedPrivateReason(url, locally)).toBeNull();
    expect(fetch).not.toHaveBeenCalled();
  });
});

function answer(more: object): Resolving {
  return () => Response.json({ Status: 0, ...more });
}

function record(type: number, data: string, name = "hooks.example.com"): object {
  return { name, type, TTL: 60, data };
}

const lost: Resolving = () => Promise.reject(new Error("Network connection lost."));

describe("a resolver's answer", () => {
  const unreadable: [what: string, resolving: Resolving][] = [
    ...[400, 404, 429, 500, 502, 503, 504].map((status): [string, Resolving] => [
      `with the HTTP status ${status}`,
      () => Response.json({ Status: 0 }, { status }),
    ]),
    [
      "that redirects",
      () => new Response(null, { status: 302, headers: { Location: "https://example.com/" } }),
    ],
    ["without a body", () => new Response(null)],
    ["that is no JSON", () => new Response("<html>")],
    ["that is DNS's own format", () => new Response(new Uint8Array([0, 0, 129, 128, 0, 1]))],
    ["that is other JSON", () => Response.json({ answer: 42 })],
    ["that is null", () => new Response("null")],
    ["without a status", () => Response.json({ Answer: [record(1, "1.1.1.1")] })],
    ["with a status that is a text", answer({ Status: "0" })],
    ["with records that are none", answer({ Answer: ["1.1.1.1"] })],
    ["with a record without data", answer({ Answer: [{ name: "hooks.example.com", type: 1 }] })],
    ["that is too long", () => new Response(`{"Status":0,"Comment":"${"x".repeat(100_000)}"}`)],
    ["that breaks off", () => new Response('{"Status":0,"Answer":[')],
    [
      "whose body breaks",
      () => new Response(new ReadableStream({ start: (body) => body.error(new Error("lost")) })),
    ],
    ["that was truncated", answer({ TC: true, Answer: [record(1, "1.1.1.1")] })],
    // FORMERR, SERVFAIL, NOTIMP, REFUSED, and what is rare.
    ...[1, 2, 4, 5, 6, 9, 16, 23, -1].map((Status): [string, Resolving] => [
      `with the DNS status ${Status}`,
      answer({ Status }),
    ]),
    ["about another name", answer({ Question: [{ name: "example.org", type: 1 }] })],
    ["about another kind of record", answer({ Question: [{ name: "hooks.example.com", type: 16 }] })],
    [
      "about several names",
      answer({ Question: [1, 28].map((type) => ({ name: "hooks.example.com", type })) }),
    ],
  ];

  it("that came and cannot be read refuses the target, and is logged", () =>
    forAll(unreadable, async (_, resolving) => {
      const { logged } = receiver(undefined, resolving);
      expect(await resolvedPrivateReason(url, strictly)).toMatch(/could not be found out/);
      expect(logged()).toContain('"message":"target not resolved","host":"hooks.example.com","type":"A"');
      expect(logged()).not.toContain("secret");
    }));

  it("that came and cannot be read refuses the target for one kind of address, too", () =>
    forAll(unreadable, async (_, resolving) => {
      for (const broken of ["A", "AAAA"]) {
        receiver(undefined, (name, type) => (type === broken ? resolving(name, type) : addresses("1.1.1.1")));
        expect(await resolvedPrivateReason(url, strictly)).not.toBeNull();
      }
    }));

  it("with an address that is not public or not readable, anywhere in it, refuses the target", () =>
    forAll(
      [
        [record(1, "1.1.1.1.1")],
        [record(1, "")],
        [record(28, "2606::1::2")],
        [record(28, "2606:4700::5efe:10.0.0.1")],
        [record(5, "elsewhere.example.net."), record(28, "fd00::1", "elsewhere.example.net")],
        [record(1, "1.1.1.1"), record(1, "10.0.0.1", "another.example.org")],
        [record(5, "metadata.google.internal.")],
        [record(5, "localhost.")],
        [record(5, "10.0.0.1")],
        [record(5, "")],
      ].map((Answer) => [Answer] as const),
      async (Answer) => {
        receiver(undefined, answer({ Answer }));
        expect(await resolvedPrivateReason(url, strictly)).not.toBeNull();
        receiver(undefined, answer({ Status: 3, Answer }));
        expect(await resolvedPrivateReason(url, strictly)).not.toBeNull();
      },
    ));

  it("about the name that was asked for is read, with its aliases, signatures and what else it holds", async () => {
    const { logged } = receiver(undefined, (_, type) =>
      Response.json({
        Status: 0,
        TC: false,
        RD: true,
        Question: [{ name: "Hooks.Example.com.", type: type === "A" ? 1 : 28 }],
        Answer: [record(5, "Elsewhere.example.net."), record(46, "a 8 2 300 …"), record(1, "1.1.1.1")],
        Comment: ["from a cache"],
      }),
    );
    expect(await resolvedPrivateReason(url, strictly)).toBeNull();
    expect(logged()).toBe("");
  });
});

describe("a resolver that cannot be reached", () => {
  it("is logged, and is no refusal", async () => {
    const { logged } = receiver(undefined, lost);
    expect(await resolvedPrivateReason(url, strictly)).toBeNull();
    expect(logged()).toContain('"message":"target not resolved","host":"hooks.example.com","type":"A"');
    expect(logged()).not.toContain("secret");
  });

  it("for one kind of address only can be reached: the target is refused", async () => {
    receiver(undefined, (name, type) => (type === "AAAA" ? lost(name, type) : addresses("1.1.1.1")));
    expect(await resolvedPrivateReason(url, strictly)).toMatch(/could not be found out/);
  });
});

describe("a resolver that does not answer", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] }));

  it("is given 2 s", async () => {
    const { logged } = receiver();
    vi.mocked(fetch).mockImplementation((_, init) =>
      hanging({ signal: init?.signal ?? new AbortController().signal }),
    );
    let state = "waiting";
    const asked = resolvedPrivateReason(url, strictly).finally(() => (state = "ended"));
    await vi.advanceTimersByTimeAsync(1999);
    expect(state).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1);
    expect(await asked).toBeNull();
    expect(logged()).toContain("target not resolved");
  });
});
