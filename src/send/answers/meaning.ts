/** The meaning of a service's response beyond its status. */
import { type Fields, isFields } from "../message/event-fields";

/** A response, not masked. `body` may be cut. `url`: of the request. */
export type ServiceAnswer = { url: string; status: number; headers: Headers; body: string };

/**
 * `failed`: the attempt may be retried, after `retryAfterMs` at the earliest (null: as for any receiver). `refused`:
 * the service will never accept this message. `gone`: it will accept no message until somebody changes the webhook or
 * the service's settings. `reason`: the service's error message.
 */
export type AnswerMeaning =
  | { kind: "failed"; retryAfterMs: number | null; reason: string }
  | { kind: "refused"; reason: string }
  | { kind: "gone"; reason: string };

/** Reads a response. @returns null when the status alone decides, as for any receiver. */
export type AnswerReader = (answer: ServiceAnswer) => AnswerMeaning | null;

/** The most characters of a service's error message. */
const wordsMax = 300;

/** @returns the parts of an error message, joined by colons in one line. */
export function words(...parts: (string | undefined)[]): string {
  const present = parts.filter((part) => part !== undefined && part.trim() !== "");
  return present.join(": ").replaceAll(/\s+/gu, " ").trim().slice(0, wordsMax).toWellFormed();
}

/** @returns the JSON object in a body; an empty one when the body is not a JSON object. */
export function jsonOf(body: string): Fields {
  try {
    return objectOf(JSON.parse(body));
  } catch {
    // Services also respond with HTML pages, and a body may be cut.
    return {};
  }
}

/** @returns the value if it is an object, otherwise an empty object. */
export function objectOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

/** @returns the value if it is a string, otherwise undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/**
 * @param value a number, also as text. @param unitMs the unit of the number, in ms. @returns the time to wait in ms;
 *   null when the value is not a number from 0.
 */
export function waitOf(value: unknown, unitMs: number): number | null {
  const number = typeof value === "number" ? value : Number.parseFloat(String(textOf(value)));
  return Number.isFinite(number) && number >= 0 ? Math.ceil(number * unitMs) : null;
}
