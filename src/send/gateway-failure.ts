/** Failures of an attempt that the gateway or its platform caused. */

/**
 * `limit`: this invocation of the Worker has reached a limit of the platform. `late`: the process was too busy to tell
 * whether the receiver answered in time. `behind`: the webhook's current settings could not be read. `egress`: the
 * egress failed, for example because its relay is not connected.
 */
export type GatewayFailureKind = "limit" | "late" | "behind" | "egress";

/** The attempt does not count and says nothing about the receiver: it is repeated later with the same number. */
export class GatewayFailure extends Error {
  constructor(
    readonly kind: GatewayFailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "GatewayFailure";
  }
}

/**
 * The runtime's errors when an invocation has reached its limits (subrequests, the depth of Workers that call each
 * other, CPU time, memory), or was ended because it seemed to hang. Sources: Cloudflare's documentation, "Limits" and
 * "Errors and exceptions", and texts reported in issues of workers-sdk. Most of them occur only in production.
 */
const limitTexts = [
  /too many subrequests/i,
  /subrequest depth limit exceeded/i,
  /exceeded (?:its )?(?:cpu|memory|resource)(?: time)? limits?/i,
  /(?:cpu|cpu time|memory) limit (?:was |would be )?exceeded/i,
  /too many (?:open|simultaneous) connections/i,
  /cannot perform I\/O on behalf of a different/i,
  /detected that your Worker's code had hung/i,
];

/** Whether `fetch` threw this error because of the Worker's own limits. */
export function isLimitError(error: unknown): boolean {
  const text = String(error);
  return limitTexts.some((limitText) => limitText.test(text));
}
