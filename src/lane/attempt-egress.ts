/**
 * Stores the egress of an attempt in the column of the response headers. Few attempts have one, and this way the tables
 * of older lanes need no new column.
 */
import type { AttemptResult } from "../send/attempt";

/** The key of the egress. No header's name begins with a colon (RFC 9110, 5.1). */
const egressKey = ":egress";

/** @returns the text of the column. */
export function headersColumn({
  responseHeaders,
  egress,
}: Pick<AttemptResult, "responseHeaders" | "egress">): string {
  return JSON.stringify(egress === null ? responseHeaders : { [egressKey]: egress, ...responseHeaders });
}

/** @param column as written by `headersColumn`. @returns the response headers and the egress. */
export function parseHeadersColumn(column: string): Pick<AttemptResult, "responseHeaders" | "egress"> {
  const { [egressKey]: egress = null, ...responseHeaders } = JSON.parse(column) as Record<string, string>;
  return { responseHeaders, egress };
}
