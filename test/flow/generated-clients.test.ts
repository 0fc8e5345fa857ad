/** Clients that generators of others make from the OpenAPI document: each does a whole round trip, as its example does. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import {
  clients,
  goGenerator,
  goOffline,
  isInstalled,
  mayBeLeftOut,
  pythonEnvironment,
  pythonTools,
  typescriptTools,
} from "../../tools/api-tools/tools.ts";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call } from "./client.ts";
import { Receiver } from "./receiver.ts";

const execute = promisify(execFile);

/** The commands, in a copy of the example's directory with the document in it: they generate, check and run its program. */
type Example = {
  generator: string;
  commands: [string, ...string[]][];
  environment?: Record<string, string>;
  /** What the directory needs beside the example. */
  prepare?: (directory: string) => void;
};

const examples: Record<keyof typeof isInstalled, Example> = {
  typescript: {
    generator: "openapi-typescript",
    prepare: (directory) => {
      symlinkSync(join(typescriptTools, "node_modules"), join(directory, "node_modules"));
      writeSamples(directory);
    },
    commands: [
      [process.execPath, "node_modules/openapi-typescript/bin/cli.js", "openapi.json", "-o", "schema.d.ts"],
      [process.execPath, "node_modules/typescript/bin/tsc"],
      [process.execPath, "node_modules/typescript/bin/tsc", "-p", "samples"],
      [process.execPath, "round-trip.ts"],
    ],
  },
  python: {
    generator: "openapi-python-client",
    environment: { ...pythonEnvironment, PATH: `${join(pythonTools, "bin")}:${process.env["PATH"]}` },
    commands: [
      [
        "openapi-python-client",
        "generate",
        "--path=openapi.json",
        "--meta=none",
        "--output-path=orchest_webhooks",
        "--fail-on-warning",
      ],
      ["python3", "round_trip.py"],
    ],
  },
  go: {
    generator: "oapi-codegen",
    environment: goOffline,
    commands: [
      ["go", ...goGenerator, "-generate=types,client", "-package=main", "-o=client.go", "openapi.json"],
      ["go", "run", "."],
    ],
  },
};

type Samples = Record<string, { "x-codeSamples": [{ source: string }] }>;

/** Writes the document's code samples, for the compiler to check them against the generated types. */
function writeSamples(directory: string): void {
  const document = JSON.parse(readFileSync(join(directory, "openapi.json"), "utf8")) as {
    paths: Record<string, Samples>;
  };
  const samples = join(directory, "samples");
  mkdirSync(samples);
  for (const [index, operation] of Object.values(document.paths)
    .flatMap(Object.values<Samples[string]>)
    .entries()) {
    const [{ source }] = operation["x-codeSamples"];
    writeFileSync(join(samples, `${index}.ts`), source.replace("./schema.d.ts", "../schema.d.ts"));
  }
  writeFileSync(
    join(samples, "tsconfig.json"),
    '{ "extends": "../tsconfig.json", "files": [], "include": ["*.ts"] }',
  );
}

let gateway: BorrowedGateway;
beforeAll(async () => {
  gateway = await BorrowedGateway.borrow();
  return () => gateway.giveBack();
});

describe.each(Object.keys(examples) as (keyof typeof examples)[])("a client in %s", (language) => {
  const { generator, commands, environment, prepare } = examples[language];
  const isHere = isInstalled[language]();
  if (!isHere) console.log(`Left out: the client of ${generator}, which npm run api-tools installs.`);

  test.skipIf(!isHere && mayBeLeftOut)(
    `of ${generator} creates a webhook, publishes, reads the delivery, and deletes`,
    async () => {
      const receiver = await Receiver.start();
      const directory = mkdtempSync(join(tmpdir(), `client-${language}-`));
      try {
        cpSync(join(clients, language), directory, { recursive: true });
        writeFileSync(
          join(directory, "openapi.json"),
          await (await fetch(`${gateway.url}/openapi.json`)).text(),
        );
        prepare?.(directory);
        const options = {
          cwd: directory,
          env: {
            ...process.env,
            ...environment,
            GATEWAY_URL: gateway.url,
            GATEWAY_TOKEN: gateway.token,
            RECEIVER_URL: receiver.url,
          },
        };
        let printed = "";
        for (const [program, ...args] of commands) printed = (await execute(program, args, options)).stdout;

        expect(printed).toMatch(/^project:created [0-9a-f-]{36}: delivered\n$/);
        expect(receiver.arrivals).toHaveLength(1);
        const { json } = await call(gateway, "GET", "/api/notifications/subscribers");
        expect(json).toEqual({ subscribers: [] });
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
});
