/** The drizzle client of D1. */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";

/**
 * @returns a drizzle client of the deployment's D1. D1 has no interactive transactions: `batch()` runs its statements
 *   in one.
 */
export function database(env: Pick<Env, "DB">): DrizzleD1Database {
  return drizzle(env.DB);
}
