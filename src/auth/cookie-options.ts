/** How the pages' cookies are set: for this host only, out of reach of scripts and of other sites. */
import type { Context } from "hono";

/** By the prefix `__Host-` browsers take a cookie from this very host only; over plain http, locally, from nobody. */
export function cookieOptions(c: Context): {
  prefix?: "host";
  path: string;
  httpOnly: boolean;
  secure: boolean;
  sameSite: "Strict";
} {
  const isHttps = c.req.url.startsWith("https:");
  return {
    ...(isHttps && { prefix: "host" }),
    path: "/",
    httpOnly: true,
    secure: true,
    sameSite: "Strict",
  };
}
