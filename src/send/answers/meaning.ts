/** What an answer of a service means beyond its status. */
import { type Fields, isFields } from "../message/event-fields";

/** An answer as it came: `body` may be cut, and nothing in it is masked. `url`: where it came from. */
export type ServiceAnswer = { url: string; status: number; headers: Headers; body: string };

/**
 * `failed`: it may be tried again, after `retryAfterMs` at the earliest (null: as for any receiver). `refused`: this message
 * will never be taken. `gone`: no message will, until somebody changes something. `reason`: in the service's own words.
 */
export type AnswerMeaning =
  | { kind: "failed"; retryAfterMs: number | null; reason: string }
  | { kind: "refused"; reason: string }
  | { kind: "gone"; reason: string };

/** Reads an answer. @returns null where the status alone decides, as for any receiver. */
export type AnswerReader = (answer: ServiceAnswer) => AnswerMeaning | null;

/** A service's words are kept to this length. */
const wordsMax = 300;

/** The words of a service, in one line. */
export function words(...parts: (string | undefined)[]): string {
  const present = parts.filter((part) => part !== undefined && part.trim() !== "");
  return present.join(": ").replaceAll(/\s+/gu, " ").trim().slice(0, wordsMax).toWellFormed();
}

/** The answer's JSON object; an empty one for what is none. */
export function jsonOf(body: string): Fields {
  try {
    return objectOf(JSON.parse(body));
  } catch {
    // Services answer with pages of HTML, too, and a body may be cut.
    return {};
  }
}

/** A value that is an object; an empty one for any other. */
export function objectOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** A value that is a text; undefined for any other. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A time to wait in ms, from a number or its text; null for what is none. @param unitMs of the number. */
export function waitOf(value: unknown, unitMs: number): number | null {
  const number = typeof value === "number" ? value : Number.parseFloat(String(textOf(value)));
  return Number.isFinite(number) && number >= 0 ? Math.ceil(number * unitMs) : null;
}
