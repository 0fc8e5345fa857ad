/** The context of every operation on webhooks. */
import type { Actor } from "../db/audit";
import type { Config } from "../platform/config";

/**
 * The bindings, the settings and the actor of an operation. For operations that a request causes, `config.gatewayHosts`
 * includes the host name of the request.
 */
export type Operation = { env: Env; config: Config; actor: Actor };
