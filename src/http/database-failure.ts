/** Telling that D1 failed from a mistake of ours. D1 fails several times a day for a moment, and when its disk is full. */

/** D1 did its work: the statement broke a rule of the tables. */
const refusedText = /constraint failed/i;
/** What D1's API and drizzle say, which repeats the query. */
const failedText = /\bD1(?:_\w*ERROR)?\b|^Failed query: /;
/** Where D1's API lies in the runtime: its errors often say no more than `internal error; reference = …`. */
const apiModule = "cloudflare-internal:d1-api";

/** Whether an error is that D1 did not do what it was asked. */
export function isDatabaseFailure(error: unknown): boolean {
  const chain = causesOf(error);
  if (chain.some(({ message }) => refusedText.test(withoutQuery(message)))) return false;
  return chain.some(({ message, stack }) => failedText.test(message) || stack?.includes(apiModule) === true);
}

function causesOf(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}

/** The message of a drizzle error has the query, which may hold anything. */
function withoutQuery(message: string): string {
  return message.startsWith("Failed query: ") ? "" : message;
}
