import { resolve } from "node:path";

/** The absolute path of the project's root, which has wrangler.toml. Wrangler runs there. */
export const projectDirectory = resolve(import.meta.dirname, "..");
