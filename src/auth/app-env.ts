/** What the handlers of all routes have at hand. */
import type { Caller } from "./caller";

/** The Worker's bindings and, where a route asks for one, the caller. */
export type AppEnv = { Bindings: Env; Variables: { caller: Caller } };
