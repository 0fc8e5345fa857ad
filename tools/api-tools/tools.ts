/**
 * Programs of others that the API is tested with: generators of clients, and schemathesis. They are installed once, by
 * `npm run api-tools`, outside of the checkout.
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

/** The versions of the Python programs, and of all that they import. */
export const pythonPins = join(projectDirectory, "tools/api-tools/requirements.txt");

/** A directory for these versions: other ones have another. Whoever fills it makes it appear at once. */
export const pythonTools = directoryFor("python", pythonPins);

/** With `node_modules`, as its lock file says. */
export const typescriptTools = directoryFor("typescript", join(clients, "typescript/package-lock.json"));

/** The Go generator is a tool of the example's module: Go keeps it itself. */
export const goGenerator = ["tool", "oapi-codegen"] as const;

/** Go's variables: the module's versions, and nothing from the network. */
export const goOffline = { GOFLAGS: "-mod=readonly", GOPROXY: "off" };

/** What schemathesis tests, and how much. */
export const schemathesisConfig = join(projectDirectory, "tools/api-tools/schemathesis.toml");

/** The variables for Python programs that are installed here. */
export const pythonEnvironment = { PYTHONPATH: pythonTools, PYTHONDONTWRITEBYTECODE: "" };

/** In CI nothing is left out, unless its network gave nothing. */
export const mayBeLeftOut = !process.env["CI"] || process.env["WITHOUT_API_TOOLS"] === "yes";

/** Whether the tools of a language are here, without a look at the network. */
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
