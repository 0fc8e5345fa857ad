/** The pages for people. */
import { createRouter, type Router } from "../http/router";
import { signIn } from "./sign-in";
import { signOut } from "./sign-out";

/** @returns a router with full paths, to be mounted at the root. */
export function pagesRoutes(): Router {
  const router = createRouter();
  signIn(router);
  signOut(router);
  return router;
}
