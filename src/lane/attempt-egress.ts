/**
 * Which egress an attempt went through, kept beside the answer's headers in their column: few attempts have one, and the
 * tables of older lanes need no change for it.
 */
import type { AttemptResult } from "../send/attempt";

/** No header's name begins with a colon (RFC 9110, 5.1). */
const egressKey = ":egress";

/** @returns the text of the column. */
export function headersColumn({
  responseHeaders,
  egress,
}: Pick<AttemptResult, "responseHeaders" | "egress">): string {
  return JSON.stringify(egress === null ? responseHeaders : { [egressKey]: egress, ...responseHeaders });
}

/** @param column as `headersColumn` wrote it. */
export function parseHeadersColumn(column: string): Pick<AttemptResult, "responseHeaders" | "egress"> {
  const { [egressKey]: egress = null, ...responseHeaders } = JSON.parse(column) as Record<string, string>;
  return { responseHeaders, egress };
}
