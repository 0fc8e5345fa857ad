/** From a request to what an operation on webhooks is given. */
import type { Context } from "hono";
import { type Config, readConfig } from "../platform/config";
import { hostOf } from "../platform/host-name";
import type { Operation } from "../webhooks/operation";
import type { AppEnv } from "./app-env";
import { actorOf } from "./audit";

/**
 * @returns the operation that `c.var.caller` asks for.
 * @throws {ConfigurationError} when a setting is missing or malformed.
 */
export function operationOf(c: Context<AppEnv>): Operation {
  return { env: c.env, config: configOf(c), actor: actorOf(c, c.var.caller) };
}

/** The settings. The name that the gateway was called by counts as its own: no setting has to name it. */
function configOf({ env, req }: Context<AppEnv>): Config {
  const config = readConfig(env);
  return { ...config, gatewayHosts: [...config.gatewayHosts, hostOf(new URL(req.url))] };
}
