/** Validation of a webhook's target: its URL, certificate check and egress. */
import type { Config } from "../platform/config";
import { decryptSettings } from "../platform/encryption";
import { chooseRoute, type Route, type RouteRules, type RouteTarget } from "../send/egress/choose-route";
import { resolvedPrivateReason } from "../send/resolve-target";
import { routeOf } from "../send/sender";
import { refuseUrl } from "../send/target";
import type { Webhook } from "./webhooks";
import { FieldError } from "../platform/errors";

/**
 * @returns the route of a webhook's attempts with the current settings: direct, an egress, or refused.
 * @throws {ConfigurationError} when no key decrypts its settings.
 */
export async function routeOfWebhook(config: Config, webhook: Webhook): Promise<Route> {
  const { uuid, verifySsl, egress, encryptedSettings } = webhook;
  const settings = await decryptSettings(config.encryptionKeys, uuid, encryptedSettings);
  return routeOf({ settings, verifySsl, egress }, config);
}

/** White space and control characters, which `new URL()` drops or encodes silently. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const blankOrControl = /[\s\u0000-\u001f\u007f-\u009f]/u;

/**
 * A URL, and why its host is private: the reason says to which address it resolves. `resolved` is null when the address
 * is public.
 */
export type ParsedTarget = Pick<RouteTarget, "url" | "resolved">;

/**
 * @param text the URL of a request. No error contains it, because it is a secret.
 * @returns the URL. Call `checkRoute` next: whether it can be reached depends on the webhook's other settings, too.
 * @throws {FieldError} when it is not valid, or not allowed with any settings.
 */
export async function parseTarget(text: string, rules: RouteRules): Promise<ParsedTarget> {
  if (blankOrControl.test(text)) {
    throw new FieldError("url", "must not contain spaces or control characters.");
  }
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) {
    throw new FieldError("url", "must be an absolute http or https URL, such as https://example.com/hook.");
  }
  const reason = refuseUrl(url, rules);
  if (reason !== null) throw new FieldError("url", reason);
  return { url, resolved: await resolvedPrivateReason(url, rules) };
}

/**
 * Checks that the gateway can reach a target with its webhook's settings. For `http:` the certificate check has no
 * effect, and Orchest's clients send `false`.
 * @throws {FieldError} when the target is private and no egress reaches it; when its certificate must not be verified
 *   and no egress supports that; or when the webhook names an egress that does not exist.
 */
export function checkRoute(target: RouteTarget, rules: RouteRules): void {
  const route = chooseRoute(target, rules);
  if (route.kind === "refused") throw new FieldError(route.field, route.reason);
}
