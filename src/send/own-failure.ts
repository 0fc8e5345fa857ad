/** An attempt that failed for a reason of the gateway's or its platform's. */

/**
 * `limit`: this invocation of the Worker has used up what the platform allows. `late`: the process was so busy that nothing
 * is known of the receiver. `behind`: the webhook's present settings could not be read. `egress`: the way to the receiver
 * failed, such as a relay that is not there.
 */
export type OwnFailureKind = "limit" | "late" | "behind" | "egress";

/** No attempt is counted and the receiver is not blamed: the same attempt is made again later. */
export class OwnFailure extends Error {
  constructor(
    readonly kind: OwnFailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "OwnFailure";
  }
}

/**
 * What the runtime says when an invocation has used up its limits: subrequests, the depth of Workers that call each other,
 * CPU time, memory; and when it ended an invocation that it takes for hung. Cloudflare's documentation, "Limits" and
 * "Errors and exceptions", and texts seen in issues of workers-sdk. workerd itself has most of them only in production.
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

/** Whether `fetch` threw this because of the Worker's own limits. */
export function isLimitError(error: unknown): boolean {
  const text = String(error);
  return limitTexts.some((limitText) => limitText.test(text));
}
