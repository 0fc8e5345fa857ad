/** D1 as drizzle sees it. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";

/** @returns the typed way into the deployment's D1. Transactions fail there: use `batch()`. */
export function database(env: Pick<Env, "DB">): DrizzleD1Database {
  return drizzle(env.DB);
}
