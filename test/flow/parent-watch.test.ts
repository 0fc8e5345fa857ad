import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { projectDirectory } from "../../tools/project-directory.ts";
import { eventually } from "./eventually.ts";
import { isSignalled } from "./process-group.ts";

const watch = join(projectDirectory, "tools", "parent-watch.ts");
/** Prints its process and then, when `watchNpm` says so, that npm has ended. */
const script = `
  const { watchNpm } = await import(${JSON.stringify(watch)});
  watchNpm(() => { console.log("npm has ended"); process.exit(); });
  console.log("runs as " + process.pid + ".");
  setInterval(() => {}, 1000);`;
const shells: [runs: string, command: string][] = [
  ["a shell that stays", `"$NODE" --input-type=module -e "$SCRIPT"; true`],
  ["a shell that is replaced", `exec "$NODE" --input-type=module -e "$SCRIPT"`],
];

test("a command notices the end of npm where the PATH has no program, such as ps", async () => {
  for (const [runs, command] of shells) {
    const { npm, output } = startNpm(command);
    const [, pid] = await eventually(`${runs}: it runs`, () => {
      if (npm.exitCode !== null) throw new Error(output());
      return /runs as (\d+)\./.exec(output());
    });
    onTestFinished(() => void isSignalled(Number(pid), "SIGKILL"));
    npm.kill("SIGKILL");
    expect(await eventually(`${runs}: it notices`, () => output().includes("npm has ended"))).toBe(true);
  }
});

/** Starts a process that runs `command` in a shell as npm does, with a PATH that leads nowhere. */
function startNpm(command: string): { npm: ChildProcess; output: () => string } {
  const npm = spawn(
    process.execPath,
    [
      "-e",
      `require("node:child_process").spawn("/bin/sh", ["-c", process.env.COMMAND], { stdio: "inherit" })`,
    ],
    {
      env: {
        PATH: "/nowhere",
        NODE: process.execPath,
        SCRIPT: script,
        COMMAND: command,
        npm_lifecycle_event: "start",
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let printed = "";
  const collect = (chunk: Buffer) => (printed += chunk.toString());
  npm.stdout.on("data", collect);
  npm.stderr.on("data", collect);
  return { npm, output: () => printed };
}
