/** The options of the pages' cookies: for this host only, and not readable by scripts or sent from other sites. */
import type { Context } from "hono";

/** @returns the options for hono. The prefix `__Host-` is left out over plain http, where browsers reject it. */
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
