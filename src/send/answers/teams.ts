/** Responses of Teams: workflows respond with JSON; connectors may report a failure with a 200. */
import { type AnswerReader, jsonOf, objectOf, type ServiceAnswer, textOf, words } from "./meaning";

/**
 * The workflow is off or deleted, or does not accept this URL. Source: learn.microsoft.com, "Azure Logic Apps error
 * codes".
 */
const gone = new Set([
  "AuthorizationFailed",
  "DirectApiAuthorizationRequired",
  "DirectApiInvalidAuthorizationScheme",
  "InvalidAuthenticationTokenTenant",
  "ResourceNotFound",
  "SubscriptionNotFound",
  "WorkflowDisabled",
  "WorkflowNotFound",
  "WorkflowTriggerIsNotEnabled",
  "WorkflowTriggerNotFound",
]);
/** The trigger's schema does not allow the message. */
const refused = new Set(["InvalidRequestContent", "RequestEntityTooLarge", "TriggerInputSchemaMismatch"]);

const goneText =
  /connector configuration not found|invalid webhook url|webhook (?:not found|has been)|(?:tenant|connector) .{0,40}disabled/i;
const refusedText = /summary or text is required|bad payload received/i;

/** Reads a response of a workflow or connector. */
export const readTeamsAnswer: AnswerReader = (answer) => {
  const { status, body } = answer;
  if (status < 300) return readFailureIn200(answer);
  const { code, message } = objectOf(jsonOf(body)["error"]);
  const reason = words("Microsoft", textOf(code) ?? body, textOf(message));
  if (gone.has(String(code)) || goneText.test(body)) return { kind: "gone", reason };
  return refused.has(String(code)) || refusedText.test(body) ? { kind: "refused", reason } : null;
};

/**
 * Reads a response with a 200. A connector that accepted the message responds with `1`, a workflow with an empty body.
 * The text of a failure contains its status (learn.microsoft.com, "Create incoming webhooks", "Rate limiting for
 * connectors").
 */
function readFailureIn200({ body }: ServiceAnswer): ReturnType<AnswerReader> {
  if (!/delivery failed with error/i.test(body)) return null;
  const inner = Number(/HTTP (?:error )?(\d{3})/i.exec(body)?.[1] ?? 0);
  const reason = words("Microsoft", body);
  if (inner === 400 || inner === 413) return { kind: "refused", reason };
  return inner === 404 || inner === 410
    ? { kind: "gone", reason }
    : { kind: "failed", retryAfterMs: null, reason };
}
