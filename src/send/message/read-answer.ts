/** What a service's answer means: its own words decide beside the status. */
import type { ServiceFormat } from "./formats";

/** An answer as it came: `body` may be cut, and nothing in it is masked. */
export type ServiceAnswer = { status: number; headers: Headers; body: string };

/** `refused`: this message will never be taken. `gone`: no message will. `reason`: in the service's own words. */
export type AnswerMeaning =
  | { kind: "delivered" }
  | { kind: "failed"; retryAfterMs: number | null; reason: string | null }
  | { kind: "refused"; reason: string }
  | { kind: "gone"; reason: string };

/** @returns null where the status alone decides, as for any receiver. */
export function readAnswer(_format: ServiceFormat, _answer: ServiceAnswer): AnswerMeaning | null {
  return null;
}
