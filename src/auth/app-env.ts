/** The environment of all Hono routes. */
import type { Caller } from "./caller";

/** The Worker's bindings, and the caller on routes that need one (undefined on others, despite its type). */
export type AppEnv = { Bindings: Env; Variables: { caller: Caller } };
