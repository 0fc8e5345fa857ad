import { beforeEach, describe, expect, it, vi } from "vitest";
import { isAllowed, parseAllowRule } from "../../tools/relay/allow-list.ts";
import { forAll } from "../for-all.ts";
import { startReceiver } from "./receivers.ts";
import { here, RunningRelay } from "./running-relay.ts";

const blocked = [{ kind: "receiverFailed", error: "blocked" }];
let printed: string[] = [];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
});

function allows(rules: string[], target: string, address: string): boolean {
  const [, name = "", port = "443"] = /^(.+?)(?::(\d+))?$/.exec(target) ?? [];
  const host = name.replace(/^\[|\]$/g, "");
  return isAllowed(rules.map(parseAllowRule), { host, port: Number(port), address });
}

describe("the allow list", () => {
  it("opens what a rule names, and nothing beside it", () =>
    forAll<[rules: string, target: string, address: string, isOpen: boolean]>(
      [
        ["hooks.example.com", "hooks.example.com", "93.184.215.14", true],
        ["hooks.example.com", "evil.example.com", "93.184.215.14", false],
        ["hooks.example.com", "hooks.example.com.evil.test", "93.184.215.14", false],
        // A name that somebody else controls may resolve into this network.
        ["hooks.example.com", "hooks.example.com", "10.0.0.1", false],
        ["hooks.example.com", "hooks.example.com", "127.0.0.1", false],
        ["hooks.example.com:443", "hooks.example.com:8443", "93.184.215.14", false],
        ["*.corp.example=10.1.0.0/16", "a.b.corp.example", "10.1.255.255", true],
        ["*.corp.example=10.1.0.0/16", "a.corp.example", "10.2.0.0", false],
        ["*.corp.example=10.1.0.0/16", "corp.example", "10.1.0.1", false],
        ["*.corp.example=10.1.0.0/16", "acorp.example", "10.1.0.1", false],
        ["*.corp.example=10.1.0.0/16", "a.corp.example", "93.184.215.14", false],
        ["10.0.0.0/8", "anything.test", "10.255.255.255", true],
        ["10.0.0.0/8", "10.0.0.1", "10.0.0.1", true],
        ["10.0.0.0/8", "anything.test", "11.0.0.0", false],
        ["10.0.0.0/8:80", "10.0.0.1:443", "10.0.0.1", false],
        ["10.0.0.7", "10.0.0.7", "10.0.0.7", true],
        ["10.0.0.7", "10.0.0.8", "10.0.0.8", false],
        ["[fd00::/8]:8443", "[fd00::1]:8443", "fd00::1", true],
        ["[fd00::/8]", "x.test", "fe80::1", false],
        ["100.64.0.0/10", "100.100.100.201", "100.100.100.201", true],
        ["168.63.129.0/24", "168.63.129.17", "168.63.129.17", true],
        ["[fd00::/8]", "[fd00:ec3::254]", "fd00:ec3::254", true],
        ["*", "anything.test", "93.184.215.14", true],
        ["*", "anything.test", "192.168.1.1", false],
        ["localhost", "localhost", "127.0.0.1", true],
        ["localhost", "localhost", "::1", true],
        ["localhost", "localhost", "10.0.0.1", false],
        ["localhost", "evil.test", "127.0.0.1", false],
      ],
      (rule, target, address, isOpen) => {
        expect(allows([rule], target, address)).toBe(isOpen);
      },
    ));

  it("opens the own machine, metadata services and translated addresses only where they are named", () =>
    forAll(
      [
        ["127.0.0.1", "127.0.0.0/8"],
        ["169.254.169.254", "169.254.169.254"],
        ["0.0.0.0", "0.0.0.0/8"],
        ["224.0.0.1", "224.0.0.0/4"],
        ["255.255.255.255", "255.255.255.255"],
        ["::1", "[::1]"],
        ["::", "[::]"],
        ["fe80::1", "[fe80::/10]"],
        ["ff02::1", "[ff02::1]"],
        ["::ffff:10.0.0.1", "[::ffff:0:0/96]"],
        ["::ffff:a9fe:a9fe", "[::ffff:0:0/96]"],
        ["64:ff9b::a00:1", "[64:ff9b::/96]"],
        ["2002:a00:1::", "[2002::/16]"],
        ["2001:0:a9fe:a9fe::1", "[2001::/32]"],
        ["::ffff:0:a9fe:a9fe", "[::ffff:0:0:0/96]"],
        ["100.100.100.200", "100.100.100.200"],
        ["168.63.129.16", "168.63.129.16:443"],
        ["192.0.0.192", "x.test=192.0.0.192"],
        ["fd00:ec2::254", "[fd00:ec2::254]"],
        ["fd00:ec2::23", "[fd00:ec2::/32]"],
        ["fd20:ce::254", "[fd20:ce::254]"],
        ["fd00:42::42", "[fd00:42::42]"],
        ["fd00:c1::a9fe:a9fe", "*.test=[fd00:c1::a9fe:a9fe]"],
        ["fd00:a9fe:a9fe::1", "[fd00:a9fe:a9fe::1]"],
        ["fd00:100::100:200", "[fd00:100::100:200]"],
      ],
      (address, named) => {
        const wide = ["*", "x.test", "0.0.0.0/0", "[::/0]", "100.64.0.0/10", "192.0.0.0/24", "[fd00::/8]"];
        for (const rule of wide) expect(allows([rule], "x.test", address), rule).toBe(false);
        expect(allows(wide, "x.test", address), "by wide rules").toBe(false);
        expect(allows([named], "x.test", address), "by its own").toBe(true);
      },
    ));

  it("has no rule that could mean something else than it says", () =>
    forAll(
      [
        "",
        ":443",
        "10.0.0.0/33",
        "10.0.0",
        "host:0",
        "host:65536",
        "a b",
        "*.*.x",
        "x.*",
        "http://x/",
        "x=",
        "[::1",
      ],
      (rule) => expect(() => parseAllowRule(rule)).toThrow(/allow rule|is not a network/),
    ));
});

describe("a relay connects", () => {
  it("to nothing that the allow list does not have, and says so", async () => {
    const { port, seen } = await startReceiver();
    const relay = await RunningRelay.start({ allow: [`*.corp.test=127.0.0.0/8:${port}`] });
    await forAll(
      [
        `http://elsewhere.test:${port}/`,
        `http://127.0.0.1:${port}/`,
        `http://2130706433:${port}/`,
        `http://[::ffff:127.0.0.1]:${port}/`,
        `http://localhost:${port}/`,
        `http://hooks.corp.test:${port + 1}/`,
        "http://hooks.corp.test/",
      ],
      async (url) => expect(await relay.ask(url)).toMatchObject({ status: 403, answers: blocked }),
    );
    expect(seen).toEqual([]);
    expect((await relay.ask(`http://hooks.corp.test.:${port}/`)).status).toBe(200);
    expect((await relay.ask(`http://HOOKS.corp.test:${port}/`)).status).toBe(200);
  });

  it("to the very address that it checked: a name is resolved once for each request", async () => {
    const { port, seen } = await startReceiver();
    const answers = [["127.0.0.1"], ["10.255.255.1"], ["169.254.169.254"], ["127.0.0.1"]];
    let asked = 0;
    const resolve = async () => answers[asked++] ?? [];
    const relay = await RunningRelay.start({ allow: ["*.corp.test=127.0.0.0/8"], resolve });
    const url = `http://hooks.corp.test:${port}/`;
    expect((await relay.ask(url)).status).toBe(200);
    expect(asked).toBe(1);
    // A connection to the first address is still open: it does not serve a name that has moved.
    expect(await relay.ask(url)).toMatchObject({ answers: blocked });
    expect(await relay.ask(url)).toMatchObject({ answers: blocked });
    expect((await relay.ask(url)).status).toBe(200);
    expect(asked).toBe(4);
    expect(seen).toHaveLength(2);
  });

  it("to the addresses of a name that are allowed, when not all of them are", async () => {
    const { port, seen } = await startReceiver();
    const addresses = ["10.255.255.1", "169.254.169.254", "127.0.0.1"];
    const relay = await RunningRelay.start({
      allow: ["*.corp.test=127.0.0.0/8"],
      resolve: async () => addresses,
    });
    expect((await relay.ask(`http://hooks.corp.test:${port}/`)).status).toBe(200);
    expect(seen).toHaveLength(1);
  });

  it("not to where a redirect points", async () => {
    const inner = await startReceiver();
    const location = `http://inner.corp.test:${inner.port}/`;
    const { port } = await startReceiver(
      null,
      (response) => void response.writeHead(307, { location }).end(),
    );
    const relay = await RunningRelay.start();
    const { answers } = await relay.ask(`http://hooks.corp.test:${port}/`);
    expect(answers).toMatchObject([{ kind: "answer", status: 307 }, { kind: "end" }]);
    expect(inner.seen).toEqual([]);
  });

  it("not even to a resolver for a name that no rule has", async () => {
    const resolve = vi.fn(here);
    const relay = await RunningRelay.start({ allow: ["*.corp.test=127.0.0.0/8"], resolve });
    await relay.ask("http://secret.elsewhere.test/");
    expect(resolve).not.toHaveBeenCalled();
  });
});

it("a relay logs a line for each request: its origin, and nothing else of the URL, the headers or the body", async () => {
  const { port } = await startReceiver();
  const relay = await RunningRelay.start();
  const url = `http://hooks.corp.test:${port}/secret-path?token=secret-query`;
  await relay.ask(url, { headers: [["X-Secret", "secret-header"]] }, "secret-body");
  await relay.ask("http://hooks.corp.test:1/secret-path");
  await vi.waitFor(() => expect(printed).toHaveLength(2));
  expect(printed.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    {
      message: "request",
      method: "POST",
      origin: `http://hooks.corp.test:${port}`,
      status: 200,
      end: "whole",
    },
    { message: "request", origin: "http://hooks.corp.test:1", error: "connection", reason: "ECONNREFUSED" },
  ]);
  expect(printed.join("\n")).not.toContain("secret");
});
