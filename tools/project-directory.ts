import { resolve } from "node:path";

/** The project's root: where wrangler.toml is, and where wrangler runs. */
export const projectDirectory = resolve(import.meta.dirname, "..");
