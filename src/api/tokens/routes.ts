/** Endpoints for API tokens. */
import { createRouter, type Router } from "../../http/router";
import { createToken } from "./create-token";
import { listTokens } from "./list-tokens";
import { revokeToken } from "./revoke-token";

/** @returns a router with full paths, to be mounted at the root. */
export function tokensRoutes(): Router {
  const router = createRouter();
  createToken(router);
  listTokens(router);
  revokeToken(router);
  return router;
}
