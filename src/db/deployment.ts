/** The table `deployment`: what may not change after the first start. */
import { ConfigurationError } from "../platform/errors";
import { readLanesPlace } from "../platform/lanes-place";
import { log } from "../platform/log";
import { withTimeout } from "../platform/timeouts";

/** The jurisdiction that the lanes were first made in. Written down by the first call of a deployment. */
async function readFirstJurisdiction(env: Env): Promise<string> {
  const { jurisdiction } = readLanesPlace(env);
  const [, read] = await env.DB.batch<{ value: string }>([
    env.DB.prepare("INSERT INTO deployment VALUES ('jurisdiction', ?) ON CONFLICT DO NOTHING").bind(
      jurisdiction ?? "",
    ),
    env.DB.prepare("SELECT value FROM deployment WHERE name = 'jurisdiction'"),
  ]);
  return read?.results[0]?.value ?? "";
}

/** D1 is waited for so long, and asked again so long after it failed. */
const readMs = 2000;
const retryMs = 10_000;

/**
 * Refuses to work with another JURISDICTION than the first: its lanes would be other objects, which are empty. One query
 * for each isolate. While D1 cannot be reached the setting is believed, so that publishing goes on: objects of another
 * jurisdiction would be new, and ask D1 before they take anything.
 * @returns the check. @throws {ConfigurationError} naming both values.
 */
export function createJurisdictionCheck(): (env: Env) => Promise<void> {
  let first: string | undefined;
  let failedAt: number | undefined;
  return async (env) => {
    const now = readLanesPlace(env).jurisdiction ?? "";
    if (first === undefined) {
      if (failedAt !== undefined && Date.now() - failedAt < retryMs) return;
      try {
        first = await withTimeout(readFirstJurisdiction(env), readMs);
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
