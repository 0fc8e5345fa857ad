/** The pieces of code that the pages give to receivers, run as they stand there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { snippets } from "../../src/pages/webhooks/verify-snippets.ts";
import vectors from "../vectors.json" with { type: "json" };
import { hubSignature } from "./receiver.ts";

type Delivery = { secret: string; body: string; signature: string };

/** What runs a piece: its file, and around it a program that takes secret, body's file and signature, and exits with 0 or 1. */
type Language = {
  /** A command that says whether the language is here. */
  probe: [string, ...string[]];
  files: Record<string, string>;
  build?: [string, ...string[]];
  run: [string, ...string[]];
};

const languages: Record<keyof typeof snippets, Language> = {
  python: {
    probe: ["python3", "--version"],
    files: {
      "verify.py": snippets.python.code,
      "main.py": `import sys
from verify import is_genuine
with open(sys.argv[2], "rb") as body:
    sys.exit(0 if is_genuine(sys.argv[1], body.read(), sys.argv[3]) else 1)
`,
    },
    run: ["python3", "main.py"],
  },
  node: {
    probe: [process.execPath, "--version"],
    files: {
      "verify.mjs": snippets.node.code,
      "main.mjs": `import { readFileSync } from "node:fs";
import { isGenuine } from "./verify.mjs";
const [, , secret, file, signature] = process.argv;
process.exit(isGenuine(secret, readFileSync(file), signature) ? 0 : 1);
`,
    },
    run: [process.execPath, "main.mjs"],
  },
  go: {
    probe: ["go", "version"],
    files: {
      "verify.go": snippets.go.code,
      "main.go": `package main

import "os"

func main() {
	body, err := os.ReadFile(os.Args[2])
	if err != nil {
		os.Exit(2)
	}
	if !IsGenuine(os.Args[1], body, os.Args[3]) {
		os.Exit(1)
	}
}
`,
    },
    build: ["go", "build", "-o", "verify", "verify.go", "main.go"],
    run: ["./verify"],
  },
  shell: {
    probe: ["openssl", "version"],
    files: { "verify.sh": `${snippets.shell.code}is_genuine "$1" "$2" "$3"\n` },
    run: ["sh", "verify.sh"],
  },
};

const [vector = { secret: "", body: "", digest: "" }] = vectors.hmacHex;
const published: Delivery = { secret: vector.secret, body: vector.body, signature: vector.digest };
const odd = { secret: `sécret 🔑 "$HOME" \\`, body: '{"a":1.0,\n "b":"ü\u0000"}\n' };

const genuine: [string, Delivery][] = [
  ["the published vector", published],
  [
    "a secret and a body with all kinds of characters",
    { ...odd, signature: hubSignature(odd.secret, odd.body) },
  ],
];

const forged: [string, Delivery][] = [
  ["another body", { ...published, body: "Hello, World?" }],
  ["one more character at its end", { ...published, body: `${vector.body}\n` }],
  ["another secret", { ...published, secret: "It's no secret" }],
  ["no signature", { ...published, signature: "" }],
  ["a signature that is too short", { ...published, signature: vector.digest.slice(0, -1) }],
  ["a signature that is too long", { ...published, signature: `${vector.digest}0` }],
  ["a signature with one other digit", { ...published, signature: vector.digest.replace(/^./, "0") }],
  ["a signature that is none", { ...published, signature: "é".repeat(32) }],
];

for (const [name, language] of Object.entries(languages)) {
  const isHere = spawnSync(language.probe[0], language.probe.slice(1)).status === 0;
  if (!isHere) console.log(`Left out: the code for ${name}, since there is no ${language.probe[0]} here.`);

  // In CI nothing is left out.
  describe.skipIf(!isHere && !process.env["CI"])(`the code for ${name}`, () => {
    let directory: string;

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), "verify-"));
      for (const [file, text] of Object.entries(language.files)) writeFileSync(join(directory, file), text);
      if (language.build) run(directory, language.build);
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    test.for(genuine)("accepts %s", ([, delivery]) => {
      expect(exitCode(delivery)).toBe(0);
    });

    test.for(forged)("refuses %s", ([, delivery]) => {
      expect(exitCode(delivery)).toBe(1);
    });

    function exitCode({ secret, body, signature }: Delivery): number {
      writeFileSync(join(directory, "body"), body);
      return run(directory, [...language.run, secret, "body", signature], { mayFail: true });
    }
  });
}

/** @returns the exit code. Fails with what was printed, if it could not be run or ended in another way than by 0 or 1. */
function run(directory: string, command: [string, ...string[]], { mayFail = false } = {}): number {
  const [program, ...args] = command;
  const { status, stderr, error } = spawnSync(program, args, { cwd: directory, encoding: "utf8" });
  if (status === 0 || (mayFail && status === 1 && stderr === "")) return status;
  throw new Error(`${command.join(" ")}: ${error ?? stderr} (exit code ${status})`);
}
