/** The watch over the whole suite: what the gateway answers or logs in any test must hold none of the tests' secrets. */
import { env } from "cloudflare:workers";

/** The secret of `spec` in `api.ts`, and the part of its URL that is one. */
export const webhookSecret = "a-secret-of-the-webhook";
export const secretPath = "path-is-secret";

/** A value of `format_options`. */
export const secretOption = "0123456789abcdefsecretoption";

const secrets = [
  webhookSecret,
  secretPath,
  secretOption,
  env.ENCRYPTION_KEY,
  env.ORCHEST_INGEST_SECRET,
  "second-token-of-the-suite",
];
const found: string[] = [];

let isPrinted = false;

// Here and not in setup.ts, which runs again for each file.
for (const level of ["info", "warn", "error"] as const) {
  const write = console[level].bind(console);
  console[level] = (...parts: unknown[]) => {
    watch("a log line", parts.map(String).join(" "));
    if (isPrinted) write(...parts);
  };
}

/**
 * Whether log lines are printed: only while a test runs. The kit sends a line that an object writes with the next message of its own,
 * and waits for it at the end of a file: after the last message it would wait for ever.
 */
export function printLog(isOn: boolean): void {
  isPrinted = isOn;
}

/** Looks through an answer or a log line. */
export function watch(where: string, text: string): void {
  for (const secret of secrets) if (text.includes(secret)) found.push(`${where} holds ${secret}: ${text}`);
}

/** What was found since the last question. */
export function leaks(): string[] {
  return found.splice(0);
}
