/** The table `deployment`: settings that must not change after the first start. */
import { ConfigurationError } from "../platform/errors";
import { readLanePlacement } from "../platform/lane-placement";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";

/**
 * @returns the jurisdiction that the deployment's first call had, in which its lanes were created. The first call
 *   stores it.
 */
async function readFirstJurisdiction(env: Env): Promise<string> {
  const { jurisdiction } = readLanePlacement(env);
  const [, read] = await env.DB.batch<{ value: string }>([
    env.DB.prepare("INSERT INTO deployment VALUES ('jurisdiction', ?) ON CONFLICT DO NOTHING").bind(
      jurisdiction ?? "",
    ),
    env.DB.prepare("SELECT value FROM deployment WHERE name = 'jurisdiction'"),
  ]);
  return read?.results[0]?.value ?? "";
}

/** The timeout of the query. */
const readTimeoutMs = 2000;
/** After a failed query, D1 is not queried again for this time. */
const retryIntervalMs = 10_000;

/**
 * Makes a check that JURISDICTION is the one of the first start: in another jurisdiction, the lanes would be other,
 * empty objects. Each isolate makes one query. While D1 cannot be reached the check passes, so that publishing
 * continues. That is safe: an object in a wrong jurisdiction is new, and a new object reads D1 before it accepts
 * anything.
 * @returns the check. It throws a `ConfigurationError` that names both values.
 */
export function createJurisdictionCheck(): (env: Env) => Promise<void> {
  let first: string | undefined;
  let failedAt: number | undefined;
  return async (env) => {
    const now = readLanePlacement(env).jurisdiction ?? "";
    if (first === undefined) {
      if (failedAt !== undefined && Date.now() - failedAt < retryIntervalMs) return;
      try {
        first = await withTimeout(readFirstJurisdiction(env), readTimeoutMs);
      } catch (error) {
        failedAt = Date.now();
        log("warn", "jurisdiction not checked", { error: String(error) });
        return;
      }
    }
    if (now === first) return;
    throw new ConfigurationError(
      `JURISDICTION is ${quoted(now)}, and this deployment's webhooks were made with ${quoted(first)}: ` +
        `what they hold would be out of reach. Set JURISDICTION to ${quoted(first)} again, or deploy anew with another database.`,
    );
  };
}

function quoted(value: string): string {
  return value === "" ? "empty" : `"${value}"`;
}
