/** Makes the `Operation` for operations on webhooks from a request. */
import type { Context } from "hono";
import { type Config, readConfig } from "../platform/config";
import { hostOf } from "../platform/host-name";
import type { Operation } from "../webhooks/operation";
import type { AppEnv } from "./app-env";
import { actorOf } from "./audit";

/**
 * @returns the context of an operation that `c.var.caller` requests.
 * @throws {ConfigurationError} when a setting is missing or malformed.
 */
export function operationOf(c: Context<AppEnv>): Operation {
  return { env: c.env, config: configOf(c), actor: actorOf(c, c.var.caller) };
}

/** Adds the host name of the request to `gatewayHosts`, so that no setting has to list it. */
function configOf({ env, req }: Context<AppEnv>): Config {
  const config = readConfig(env);
  return { ...config, gatewayHosts: [...config.gatewayHosts, hostOf(new URL(req.url))] };
}
