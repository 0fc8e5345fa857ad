/** The codes of Node's errors, and which of them are failures of the relay's own machine. */
import { isIPv4 } from "node:net";

/** Too many open files, or no memory: of the system (errno) and of its resolver (EAI). */
const shortages = new Set(["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAI_MEMORY", "EAI_SYSTEM"]);

/** @returns the code: an error's text may contain parts of the request. */
export function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "unknown";
}

/**
 * Whether this machine lacked the resources for a request. That says nothing about the receiver, so that no attempt is
 * counted.
 * @param error of resolving a name or of connecting; an `AggregateError` when several addresses were tried.
 */
export function isShortage(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isShortage);
  const { address = "" } = error as { address?: string };
  const code = codeOf(error);
  // All local ports are in use. For an IPv6 address it may also mean that this machine has no IPv6.
  return shortages.has(code) || (code === "EADDRNOTAVAIL" && isIPv4(address));
}
