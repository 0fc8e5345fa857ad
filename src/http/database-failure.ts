/**
 * Tells failures of D1 from errors in the gateway's statements. D1 fails for a moment several times a day, and while
 * its disk is full.
 */

/** Errors of a working D1: the statement violated a constraint. */
const refusedText = /constraint failed/i;
/** Messages of D1's API and of drizzle, which repeats the query. */
const failedText = /\bD1(?:_\w*ERROR)?\b|^Failed query: /;
/**
 * The module of D1's API in the runtime, as in stack traces. The messages of its errors are often only `internal error;
 * reference = …`.
 */
const apiModule = "cloudflare-internal:d1-api";

/** Whether D1 failed to execute a statement. */
export function isDatabaseFailure(error: unknown): boolean {
  const chain = causesOf(error);
  if (chain.some(({ message }) => refusedText.test(withoutQuery(message)))) return false;
  return chain.some(({ message, stack }) => failedText.test(message) || stack?.includes(apiModule) === true);
}

function causesOf(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}

/** The message of a drizzle error contains the query, which may contain any text. */
function withoutQuery(message: string): string {
  return message.startsWith("Failed query: ") ? "" : message;
}
