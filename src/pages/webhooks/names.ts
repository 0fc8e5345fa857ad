/** What a webhook is called, and where its pages are. Of its URL only the host is ever shown. */
import type { Webhook } from "../../db/webhooks";

/** @returns the host, with the port where it is not the scheme's own. */
export function hostOf({ origin }: Webhook): string {
  return URL.parse(origin)?.host ?? origin;
}

/** @returns its name, or its host where it has none. */
export function nameOf(webhook: Webhook): string {
  return webhook.name.trim() || hostOf(webhook);
}

/** @returns the path of a webhook's page. */
export function pathOf({ uuid }: Pick<Webhook, "uuid">): string {
  return `/webhooks/${uuid}`;
}

/** @returns the path of a delivery's page. */
export function deliveryPath(webhook: Pick<Webhook, "uuid">, deliveryUuid: string): string {
  return `${pathOf(webhook)}/deliveries/${deliveryUuid}`;
}
