import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { readSettings } from "../../tools/relay/settings.ts";
import { projectDirectory } from "../../tools/project-directory.ts";
import { forAll } from "../for-all.ts";
import { Certificates } from "./certificates.ts";
import { frameFor, secret } from "./running-relay.ts";

const made = new Certificates();
afterAll(() => made.remove());
const env = { RELAY_SECRET: secret };

/** Writes a file whose name no other has. */
function file(text: string): string {
  const path = join(made.directory, randomUUID());
  writeFileSync(path, text);
  return path;
}

function configFile(settings: object): string {
  return file(JSON.stringify(settings));
}

describe("the relay's settings", () => {
  it("are options, a file, or both", () => {
    const { certFile, keyFile, cert } = made.selfSigned("settings", { host: "relay.example" });
    const config = configFile({
      listen: "0.0.0.0:8443",
      tls: { cert: certFile, key: keyFile },
      gateway: "https://gateway.example.com/base",
      allow: ["10.0.0.0/8"],
      hosts: [{ host: "*.corp.example", ca: certFile }],
    });
    const args = ["--config", config, "--name", "corp", "--allow", "hooks.example.com:443"];
    expect(readSettings(args, { RELAY_SECRET: ` ${secret} , ${"f".repeat(32)}` })).toMatchObject({
      secrets: [secret, "f".repeat(32)],
      allow: [{ host: "hooks.example.com", port: 443 }, { host: null }],
      hosts: [{ host: "*.corp.example", ca: cert }],
      concurrency: 100,
      listen: { host: "0.0.0.0", port: 8443, tls: { cert } },
      dialOut: { gateway: new URL("https://gateway.example.com/base/"), name: "corp" },
    });
    expect(readSettings(["--help"], {})).toBeNull();
  });

  it("are refused with a sentence, before anything begins", () =>
    forAll<[args: string[], variables: Record<string, string>, message: RegExp]>(
      [
        [[], env, /Nothing is allowed/],
        [["--allow", "*"], env, /--gateway .* or --listen/],
        [["--allow", "http://x/", "--listen", "127.0.0.1:1"], env, /allow rule/],
        [["--allow", "*", "--listen", "127.0.0.1:1"], {}, /The secret is missing/],
        [["--allow", "*", "--listen", "127.0.0.1:1"], { RELAY_SECRET: "short" }, /at least 32 characters/],
        [["--allow", "*", "--listen", "0.0.0.0:1"], env, /set tls/],
        [["--allow", "*", "--listen", "everywhere:1"], env, /an address and a port/],
        [["--allow", "*", "--gateway", "https://x.example"], env, /needs --name/],
        [["--allow", "*", "--gateway", "http://x.example", "--name", "corp"], env, /must be an https URL/],
        [["--config", configFile({ colour: "red" }), "--allow", "*"], env, /Unrecognized key: "colour"/],
        [["--config", file("{ colour"), "--allow", "*"], env, /is not JSON\.$/],
      ],
      (args, variables, message) => expect(() => readSettings(args, variables)).toThrow(message),
    ));

  it("of a host are refused with a sentence when they could never work", () => {
    const [one, other] = [made.selfSigned("one", { host: "one" }), made.selfSigned("two", { host: "two" })];
    const malformed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const pair = { cert: one.certFile, key: one.keyFile };
    const isPair = /must be a certificate and its key.* \(ERR_OSSL_\w+\)\.$/;
    return forAll<[name: string, host: object, message: RegExp]>(
      [
        ["the key of another certificate", { ...pair, key: other.keyFile }, isPair],
        ["a certificate that is none", { ...pair, cert: file("hello") }, isPair],
        ["a key that is none", { ...pair, key: file("hello") }, isPair],
        ["a certificate without a key", { cert: one.certFile }, /"hooks\.test" needs both cert and key/],
        ["a key without a certificate", { key: one.keyFile }, /"hooks\.test" needs both cert and key/],
        ["a file that is missing", { ca: join(made.directory, "missing") }, /ENOENT.*missing/],
        ["no authority", { ca: file("") }, /must have the certificate of an authority/],
        ["a key as an authority", { ca: one.keyFile }, /must have the certificate of an authority/],
        ["a malformed authority", { ca: file(malformed) }, /certificate that is malformed \(/],
        ["a malformed one of two", { ca: file(one.cert + malformed) }, /certificate that is malformed \(/],
        ["a host with a port", { host: "hooks.test:8443" }, /"hooks\.test:8443" must be a host name/],
        ["a host that is a URL", { host: "https://hooks.test/" }, /must be a host name/],
        ["a host with letters that URLs encode", { host: "bücher.test" }, /must be a host name/],
        ["a host with a dot at its end", { host: "hooks.test." }, /must be a host name/],
      ],
      (_name, host, message) => {
        const config = configFile({ allow: ["*"], hosts: [{ host: "hooks.test", ...host }] });
        expect(() => readSettings(["--config", config, "--listen", "127.0.0.1:1"], env)).toThrow(message);
      },
    );
  });

  it("of a host have its name as URLs have it", () =>
    forAll(
      [
        ["Hooks.Corp.example", "hooks.corp.example"],
        ["*.Corp.Example", "*.corp.example"],
        ["*", "*"],
        ["10.0.0.7", "10.0.0.7"],
        ["[FD00:0::1]", "fd00::1"],
        ["FD00::1", "fd00::1"],
      ],
      (host, known) => {
        const config = configFile({ allow: ["*"], hosts: [{ host }] });
        expect(readSettings(["--config", config, "--listen", "127.0.0.1:1"], env)?.hosts).toEqual([
          { host: known },
        ]);
      },
    ));

  it("of TLS are refused when the key is another certificate's", () => {
    const [one, other] = [made.selfSigned("one", { host: "one" }), made.selfSigned("two", { host: "two" })];
    const config = configFile({ allow: ["*"], tls: { cert: one.certFile, key: other.keyFile } });
    expect(() => readSettings(["--config", config, "--listen", "0.0.0.0:1"], env)).toThrow(
      /must be a certificate and its key/,
    );
  });

  it("of the example are ones that it takes", () => {
    const example = readFileSync(join(projectDirectory, "examples/relay/relay.json"), "utf8");
    const { hosts: _files, ...settings } = JSON.parse(example) as { hosts: unknown };
    expect(readSettings(["--config", configFile(settings)], env)).toMatchObject({
      dialOut: { name: "corp" },
    });
  });
});

describe("the bundle", () => {
  it("is one file that runs by itself, serves, and ends on SIGTERM", async () => {
    const bundle = join(made.directory, "relay.mjs");
    const { scripts } = JSON.parse(readFileSync(join(projectDirectory, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const [program = "", ...args] = (scripts["relay:build"] ?? "").split(" ");
    const command = [...args.filter((arg) => !arg.startsWith("--outfile")), `--outfile=${bundle}`];
    const esbuild = join(projectDirectory, "node_modules", ".bin", program);
    execFileSync(esbuild, command, { cwd: projectDirectory, stdio: "ignore" });
    const options = ["--listen", "127.0.0.1:0", "--allow", "127.0.0.1"];
    const relay = spawn(process.execPath, [bundle, ...options], {
      cwd: made.directory,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void relay.kill("SIGKILL"));
    const [line] = (await once(relay.stdout, "data")) as [Buffer];
    const { message, address } = JSON.parse(line.toString()) as {
      message: string;
      address: { port: number };
    };
    expect(message).toBe("listening");
    const url = `http://127.0.0.1:${address.port}/`;
    expect((await fetch(`${url}health`)).status).toBe(200);
    expect((await fetch(url, { method: "POST", body: await frameFor(url) })).status).toBe(401);
    relay.kill("SIGTERM");
    const [exitCode] = (await once(relay, "exit")) as [number];
    expect(exitCode).toBe(0);
  });
});

describe("the examples", () => {
  const given = configFile({ gateway: "https://gateway.example.com", name: "corp", allow: ["*"] });

  it("of a systemd unit start it with options that it takes, and with the secret that the unit loads", () => {
    const unit = example("orchest-relay.service");
    const [, program, options] = /^ExecStart=\S+ (\S+) (.*)$/m.exec(unit) ?? [];
    expect(program).toBe("/opt/orchest-relay/relay.mjs");
    expect(unit).toMatch(/^LoadCredential=secret:/m);
    const file = join(made.directory, "secret");
    writeFileSync(file, secret);
    const args = (options ?? "").split(" ").map((arg) => {
      if (arg === "%d/secret") return file;
      return arg === "/etc/orchest-relay/relay.json" ? given : arg;
    });
    expect(readSettings(args, {})).toMatchObject({ secrets: [secret], dialOut: { name: "corp" } });
  });

  it("of a container copy the bundle, and start it with options that it takes", () => {
    const container = example("Containerfile");
    const [, from, to] = /^COPY (\S+) (\S+)$/m.exec(container) ?? [];
    expect(readFileSync(join(projectDirectory, "package.json"), "utf8")).toContain(`--outfile=${from}`);
    const [, entrypoint] = /^ENTRYPOINT (.*)$/m.exec(container) ?? [];
    const [program, bundle, ...options] = JSON.parse(entrypoint ?? "[]") as string[];
    expect([program, bundle]).toEqual(["node", to]);
    const args = options.map((option) => (option === "/etc/relay.json" ? given : option));
    expect(readSettings(args, env)).toMatchObject({ dialOut: { name: "corp" } });
    const [, version] = /^FROM node:(\d+)-slim$/m.exec(container) ?? [];
    expect(Number(version)).toBeGreaterThanOrEqual(22);
  });
});

function example(file: string): string {
  return readFileSync(join(projectDirectory, "examples/relay", file), "utf8");
}
