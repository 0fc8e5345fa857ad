/** "As a curl command", with texts that are meant to hurt, in real shells: what arrives, and what else was run. */
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { curlCommand } from "../../src/pages/webhooks/curl";
import { type Arrival, Receiver } from "./receiver.ts";

/** A plain one, and those that people type into: with a history that `!` and `^` look into, and a line editor. */
const shells: [name: string, command: string, options: string[]][] = [
  ["sh", "sh", []],
  ["bash", "bash", ["--norc", "--noprofile", "-i"]],
  ["bash as sh", "bash", ["--norc", "--noprofile", "--posix", "-i"]],
  ["zsh", "zsh", ["-f", "-i"]],
  ["zsh with other quotes", "zsh", ["-f", "-i", "-o", "rcquotes", "-o", "cshjunkiequotes"]],
];

/** Each leaves a file behind if any of it is run. */
const code = [
  "$(touch ran)",
  "`touch ran`",
  "$IFS",
  "'; touch ran; '",
  "'\"; touch ran; \"'",
  '"; touch ran; "',
  "\\'; touch ran #",
  "\n touch ran \n",
  "\r\ntouch ran\r\n",
  "\\\ntouch ran\n",
  "' |\ntouch ran |\nprintf '",
  "\n!touch\n",
  "!!",
  "!touch:p",
  "\n^x^; touch ran;^\n",
  "EOF\ntouch ran\n",
  "\u001b[201~\ntouch ran\n",
  "\u0004",
  "\t\t",
  "& touch ran &",
  "|| touch ran",
  "> ran",
  "<(touch ran)",
  "=(touch ran)",
  "${(e):-$(touch ran)}",
  "${ touch ran; }",
  "@ran",
  "@-",
  "-o ran",
  "--output=ran",
  "%s%n%%\\045",
  "\\c lost",
  "\\0101 \\x41 \\u0041",
  "{a,b}[1-3]*?~",
  "\u0000 and on",
  "\u2028touch ran\u2029",
  "\u202etouch ran",
  "ü 🔑 \u009b \u0085 \ud800",
];

/** What RFC 9110 allows in a name, and was taken once. */
const evilNames = [
  "X-`touch$IFS'ran'`",
  "X-`touch${IFS}ran`".replaceAll(/[{}]/g, ""),
  "X-'`touch$IFS'ran'`'",
  "X-!touch",
  "X-!!",
  "!!",
  "^x^y",
  "-X-Dash",
  "X-$HOME",
  "X-%s%n",
  "X-''",
  "X-|touch&ran~*#+.",
];

const shown = { "X-Orchest-Event": "it's `touch ran` $(touch ran) !! \\ ^x^y", "X-At": "@ran" };
const evilHeaders = Object.fromEntries(evilNames.map((name) => [name, `$(touch ran) ${randomUUID()}`]));
/** Names that a variable's name cannot tell apart. */
const hidden = { ...evilHeaders, "X-A": "1", X_A: "`touch ran`", "X-A-2": "3 !!", x_a_2: "$(touch ran)" };

for (const [name, command, options] of shells) {
  const isThere = spawnSync(command, ["-c", ":"]).error === undefined;
  test.skipIf(!isThere)(
    `in ${name}, every text is an argument, and nothing of it is run (left out where there is no ${command})`,
    async () => {
      const receiver = await Receiver.start();
      const url = new URL(`${receiver.url}/hook/'{a,b}[1-2]*$(touch$IFS'ran')?x=\`touch$IFS'ran'\`!!`).href;
      const shell = { command, options, url };
      const bodies = [...code, JSON.stringify(code), code.join(""), `${"'!".repeat(1000)}ü`, ""];
      const requests = bodies.map((body) => ({ headers: shown, body }));
      const arrivals = await paste(shell, receiver, [...requests, { headers: evilHeaders, body: "x" }]);
      expect(arrivals.map(({ path }) => new URL(path, url).href)).toEqual(arrivals.map(() => url));
      expect(arrivals.pop()?.headers).toMatchObject(lowered(evilHeaders));
      for (const [index, { body, headers }] of arrivals.entries()) {
        expect({ index, body }).toEqual({ index, body: Buffer.from(bodies[index] ?? "") });
        expect(headers).toMatchObject(lowered(shown));
      }

      const masked = Object.fromEntries(Object.keys(hidden).map((one) => [one, "********"]));
      const [arrival] = await paste(shell, receiver, [{ headers: masked, body: "x" }], Object.values(hidden));
      expect(arrival?.headers).toMatchObject(lowered(hidden));
    },
  );
}

/**
 * Pastes the commands for these requests into a shell that has a past, in an empty directory: nothing may be left there.
 * @param values of the headers that the commands hide, for the variables. @returns what arrived, in order.
 */
async function paste(
  shell: { command: string; options: string[]; url: string },
  receiver: Receiver,
  requests: { headers: Record<string, string>; body: string }[],
  values: string[] = [],
): Promise<Arrival[]> {
  const directory = mkdtempSync(join(tmpdir(), "curl-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const commands = requests.map(curlCommand);
  const variables = commands[0]?.variables ?? [];
  const set = Object.fromEntries(variables.map((name, index) => [name, [shell.url, ...values][index]]));

  const before = receiver.arrivals.length;
  const child = spawn(shell.command, shell.options, {
    cwd: directory,
    env: { PATH: process.env["PATH"], HOME: directory, HISTFILE: "", ...set },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let printed = "";
  child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  child.stdin.end(`: touch ran x\n${commands.map(({ command }) => `${command}\n`).join("")}`);
  await once(child, "close");
  const arrivals = receiver.arrivals.slice(before);
  const seen = { arrived: arrivals.length, left: readdirSync(directory) };
  if (arrivals.length !== requests.length || seen.left.length > 0) {
    throw new Error(`${JSON.stringify(seen)} of ${requests.length} commands:\n${printed}`);
  }
  return arrivals;
}

function lowered(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
