/** `npm run api-tools`: installs the missing programs for tests of the API. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { clients, goGenerator, pythonPins, pythonTools, typescriptTools } from "./tools.ts";

install(pythonTools, (directory) => {
  const options = ["--no-deps", "--no-compile", "--only-binary", ":all:", "--disable-pip-version-check"];
  run("python3", ["-m", "pip", "install", "--quiet", ...options, "--target", directory, "-r", pythonPins]);
});

install(typescriptTools, (directory) => {
  for (const file of ["package.json", "package-lock.json"]) {
    copyFileSync(join(clients, "typescript", file), join(directory, file));
  }
  run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], directory);
});

const go = join(clients, "go");
run("go", ["mod", "download"], go);
run("go", [...goGenerator, "-version"], go);

/** Fills a temporary directory, and renames it when it is complete. */
function install(directory: string, fill: (directory: string) => void): void {
  if (existsSync(directory)) return;
  const filling = `${directory}.${process.pid}`;
  mkdirSync(dirname(directory), { recursive: true });
  mkdirSync(filling);
  try {
    fill(filling);
    renameSync(filling, directory);
  } finally {
    rmSync(filling, { recursive: true, force: true });
  }
}

function run(command: string, args: readonly string[], cwd?: string): void {
  execFileSync(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
}
