/** Requests that the Worker itself makes to its API on behalf of somebody who is signed in. */
import type { Caller } from "./caller";

/** By the object of the request, which nothing outside of the Worker can make. */
const callers = new WeakMap<Request, Caller>();

/** Has the API handle `request` as one of `caller`. */
export function trustRequest(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** @returns the caller of a request that was trusted; undefined for any other. */
export function trustedCaller(request: Request): Caller | undefined {
  return callers.get(request);
}
