/** The relay's settings: a JSON file, options that override it, and the secret, which is in neither. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { parseArgs } from "node:util";
import { z } from "zod";
import { type AllowRule, parseAllowRule, parseHostPattern } from "./allow-list.ts";
import type { HostTls } from "./connections.ts";
import { readAuthorities, readKeyPair } from "./pem.ts";

export const usage = `Forwards the gateway's requests to receivers that it cannot reach by itself.

  npm run relay -- [options]

  --config FILE          settings in JSON; tools/relay/README.md describes them
  --allow RULE           a target: host, network or host=network, each with an optional :port; repeatable
  --gateway URL          connect to this gateway and wait for requests: no inbound port is needed
  --name NAME            the egress's name there, with --gateway
  --listen HOST:PORT     take requests over HTTP here, and serve /health and /metrics
  --secret-file FILE     the secret of the egress; otherwise the variable RELAY_SECRET
  --help                 this text`;

/** The same minimum as in the gateway: shorter secrets can be guessed. */
const secretCharactersMin = 32;

const hostSchema = z.strictObject({
  host: z.string(),
  ca: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
});

const fileSchema = z.strictObject({
  listen: z.string().optional(),
  tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
  behindProxy: z.boolean().default(false),
  gateway: z.string().optional(),
  name: z.string().optional(),
  allow: z.array(z.string()).default([]),
  hosts: z.array(hostSchema).default([]),
  concurrency: z.int().min(1).max(10_000).default(100),
});

/** At least one of `listen` and `dialOut` is there. `secrets`: the first one signs what this relay says by itself. */
export type RelaySettings = {
  secrets: string[];
  allow: AllowRule[];
  hosts: HostTls[];
  concurrency: number;
  listen: { host: string; port: number; tls: { cert: string; key: string } | null } | null;
  dialOut: { gateway: URL; name: string } | null;
};

/**
 * @param args the command line. @param env the variables.
 * @returns the settings, or null when help was asked for.
 * @throws {Error} with a sentence for people when a setting is missing or malformed.
 */
export function readSettings(args: string[], env: NodeJS.ProcessEnv): RelaySettings | null {
  const { values } = parseArgs({
    args,
    options: {
      config: { type: "string" },
      allow: { type: "string", multiple: true },
      gateway: { type: "string" },
      name: { type: "string" },
      listen: { type: "string" },
      "secret-file": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return null;
  const file = readFile(values.config);
  const allow = [...(values.allow ?? []), ...file.allow];
  if (allow.length === 0)
    throw new Error("Nothing is allowed: name the targets with --allow, or as allow in the file.");
  const listen = values.listen ?? file.listen;
  const gateway = values.gateway ?? file.gateway;
  if (listen === undefined && gateway === undefined) {
    throw new Error("Give --gateway to connect to a gateway, or --listen to be connected to.");
  }
  return {
    secrets: readSecrets(values["secret-file"], env),
    allow: allow.map(parseAllowRule),
    hosts: file.hosts.map(readHostTls),
    concurrency: file.concurrency,
    listen: listen === undefined ? null : readListen(listen, file),
    dialOut: gateway === undefined ? null : readDialOut(gateway, values.name ?? file.name),
  };
}

function readFile(path: string | undefined): z.output<typeof fileSchema> {
  const parsed = fileSchema.safeParse(path === undefined ? {} : readJson(path));
  if (parsed.success) return parsed.data;
  throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
}

function readJson(path: string): unknown {
  const text = readFileSync(path, "utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not JSON.`, { cause: error });
  }
}

/** @throws {Error} naming the host when a certificate has no key, or a key no certificate. */
function readHostTls({ host, ca, cert, key }: z.output<typeof hostSchema>): HostTls {
  if ((cert === undefined) !== (key === undefined))
    throw new Error(`hosts: "${host}" needs both cert and key.`);
  return {
    host: parseHostPattern(host),
    ...(ca !== undefined && { ca: readAuthorities(ca) }),
    ...(cert !== undefined && key !== undefined && readKeyPair({ cert, key })),
  };
}

function readSecrets(path: string | undefined, env: NodeJS.ProcessEnv): string[] {
  const text = path === undefined ? (env["RELAY_SECRET"] ?? "") : readFileSync(path, "utf8");
  const secrets = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (secrets.length === 0) throw new Error("The secret is missing: set RELAY_SECRET or give --secret-file.");
  if (secrets.every((secret) => secret.length >= secretCharactersMin)) return secrets;
  throw new Error(`The secret must have at least ${secretCharactersMin} characters: openssl rand -hex 32`);
}

function readListen(text: string, file: z.output<typeof fileSchema>): RelaySettings["listen"] {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const address = host.replace(/^\[|\]$/g, "");
  if (isIP(address) === 0 || Number(port) > 65_535) {
    throw new Error("--listen must be an address and a port, such as 0.0.0.0:8443.");
  }
  const { tls } = file;
  const isLocal = address.startsWith("127.") || address === "::1";
  if (tls === undefined && !isLocal && !file.behindProxy) {
    throw new Error(
      "Requests hold what the gateway sends: listen at 127.0.0.1, or set tls (cert and key), or behindProxy where a proxy ends TLS.",
    );
  }
  return {
    host: address,
    port: Number(port),
    tls: tls === undefined ? null : readKeyPair(tls),
  };
}

function readDialOut(gateway: string, name: string | undefined): { gateway: URL; name: string } {
  if (name === undefined) throw new Error("--gateway needs --name, the egress's name there.");
  const url = URL.parse(gateway.endsWith("/") ? gateway : `${gateway}/`);
  const isLocal = url?.hostname === "127.0.0.1" || url?.hostname === "localhost" || url?.hostname === "[::1]";
  if (url !== null && (url.protocol === "https:" || (url.protocol === "http:" && isLocal))) {
    return { gateway: url, name };
  }
  throw new Error("--gateway must be an https URL; http is for this machine only.");
}
