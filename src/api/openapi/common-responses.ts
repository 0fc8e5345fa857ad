/** The responses that many endpoints have in common, added to their contracts for the OpenAPI document. */
import type { Router } from "../../http/router";
import { messageResponse } from "../message";

const challenge = header(
  "The challenge of RFC 6750: what is wrong with the token, and the scope that is needed.",
);
const retryAfter = header("How many seconds to wait.", "integer");

/**
 * Adds the responses of middleware to the contracts of all endpoints of `router`: 401, 403 and 429 for those that need
 * a token, 413 and 415 for those that have a body, 500, and 503 for failures of D1. Responses that an endpoint declares
 * itself are kept.
 */
export function describeCommonResponses(router: Router): void {
  for (const definition of router.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { responses, security = [], request } = definition.route;
    if (security.length > 0) {
      responses[401] ??= {
        ...messageResponse("The token is missing, malformed or not valid."),
        headers: { "WWW-Authenticate": challenge },
      };
      responses[403] ??= {
        ...messageResponse("The token does not have the scope."),
        headers: { "WWW-Authenticate": challenge },
      };
      responses[429] ??= messageResponse(
        limitText(security.some(({ token }) => token?.includes("events:publish"))),
      );
    }
    const limited = responses[429];
    if (limited !== undefined) responses[429] = { ...limited, headers: { "Retry-After": retryAfter } };
    if (request?.body !== undefined) {
      responses[413] ??= messageResponse(
        "The body is too large: the limit is 1 MiB, or what the endpoint says.",
      );
      responses[415] ??= {
        ...messageResponse("The body has another Content-Type, or is compressed."),
        headers: {
          Accept: header("The media type to send; absent when the body is compressed."),
          "Accept-Encoding": header(
            "identity, when the body is compressed: send it without Content-Encoding.",
          ),
        },
      };
    }
    responses[503] ??= {
      ...messageResponse("The gateway's database did not answer. The request may be repeated."),
      headers: { "Retry-After": retryAfter },
    };
    responses[500] ??= messageResponse("Something went wrong in the gateway. The request may be repeated.");
  }
}

function limitText(isPublishing: boolean): string {
  const guesses = "Too many wrong tokens from this address within a minute. Valid tokens still work.";
  return isPublishing ? guesses : `Too many requests with this token within a minute, or: ${guesses}`;
}

function header(description: string, type: "string" | "integer" = "string") {
  return { description, schema: { type } } as const;
}
