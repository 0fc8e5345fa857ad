/** Tables of cases as one test: a test of its own for each costs a fresh database and fresh objects each. */
import { expect } from "vitest";

/**
 * Checks every case of a table, one after another, in the storage of the test that calls it, whatever came of the others.
 * @param cases a list of arguments for `check`, or of single arguments.
 * @throws with each case that failed, and why.
 */
export function forAll<Case extends readonly [unknown, ...unknown[]]>(
  cases: readonly Case[],
  check: (...args: [...Case]) => unknown,
): Promise<void>;
export function forAll<Case>(cases: readonly Case[], check: (one: Case) => unknown): Promise<void>;
export async function forAll(
  cases: readonly unknown[],
  check: (...args: unknown[]) => unknown,
): Promise<void> {
  expect(cases, "a table without cases checks nothing").not.toEqual([]);
  const failures: Error[] = [];
  for (const one of cases) {
    try {
      await check(...(Array.isArray(one) ? one : [one]));
    } catch (error) {
      failures.push(new Error(`${nameOf(one)}: ${String(error)}`, { cause: error }));
    }
  }
  if (failures.length > 0) throw failed(failures, cases.length);
}

/** One error whose message says what failed; its cause leads to the line. */
function failed(failures: Error[], count: number): Error {
  const message = failures.map(({ message: one }) => one).join("\n");
  return new Error(`${failures.length} of ${count} cases failed:\n${message}`, { cause: failures[0]?.cause });
}

/** Says which case it was, briefly: some are megabytes. */
function nameOf(one: unknown): string {
  const [name] = Array.isArray(one) ? one : [one];
  return (typeof name === "string" ? name : JSON.stringify(one)).slice(0, 200);
}
