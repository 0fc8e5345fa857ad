/**
 * Third-party programs for tests of the API: generators of clients, and schemathesis. `npm run api-tools` installs them
 * once, outside of the checkout.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { projectDirectory } from "../project-directory.ts";

const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "orchest-webhooks");

/** The example clients, one directory per language. */
export const clients = join(projectDirectory, "examples/clients");

/** The versions of the Python programs and of their dependencies. */
export const pythonPins = join(projectDirectory, "tools/api-tools/requirements.txt");

/** The directory for these versions; other versions have another one. It is created atomically. */
export const pythonTools = directoryFor("python", pythonPins);

/** With `node_modules`, as its lock file says. */
export const typescriptTools = directoryFor("typescript", join(clients, "typescript/package-lock.json"));

/** The Go generator is a tool of the example's module, which Go caches itself. */
export const goGenerator = ["tool", "oapi-codegen"] as const;

/** Environment variables for Go: only the module's versions, and no network. */
export const goOffline = { GOFLAGS: "-mod=readonly", GOPROXY: "off" };

/** The settings of schemathesis. */
export const schemathesisConfig = join(projectDirectory, "tools/api-tools/schemathesis.toml");

/** Environment variables for the installed Python programs. */
export const pythonEnvironment = { PYTHONPATH: pythonTools, PYTHONDONTWRITEBYTECODE: "" };

/** In CI no test is skipped, unless its network has not delivered the programs. */
export const mayBeLeftOut = !process.env["CI"] || process.env["WITHOUT_API_TOOLS"] === "yes";

/** Whether the tools of a language are installed. Does not use the network. */
export const isInstalled = {
  go: () => spawnSync("go", [...goGenerator, "-version"], goOptions).status === 0,
  python: () => existsSync(pythonTools) && spawnSync("python3", ["--version"]).status === 0,
  typescript: () => existsSync(typescriptTools),
};

const goOptions = { cwd: join(clients, "go"), env: { ...process.env, ...goOffline } };

function directoryFor(name: string, pins: string): string {
  const versions = createHash("sha256").update(readFileSync(pins)).digest("hex").slice(0, 12);
  return join(cache, `${name}-${versions}`);
}
