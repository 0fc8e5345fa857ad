/** What every operation on webhooks is given. */
import type { Actor } from "../db/audit";
import type { Config } from "../platform/config";

/**
 * On whose behalf an operation runs, and under which settings. `config.gatewayHosts` also has the name that the gateway
 * was called by, where a request led to the operation.
 */
export type Operation = { env: Env; config: Config; actor: Actor };
