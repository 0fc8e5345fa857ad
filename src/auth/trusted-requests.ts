/** Requests that the Worker itself makes to its API on behalf of somebody who is signed in. */
import type { Caller } from "./caller";

/** The callers, by Request object. Only code in the Worker can create one of these objects. */
const callers = new WeakMap<Request, Caller>();

/** Makes the API treat `request` as sent by `caller`. */
export function trustRequest(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** @returns the caller of a trusted request; undefined for any other request. */
export function trustedCaller(request: Request): Caller | undefined {
  return callers.get(request);
}
