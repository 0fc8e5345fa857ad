/** Names and page paths of webhooks and deliveries. A webhook's URL is a secret: only its host is shown. */
import type { Webhook } from "../../webhooks/webhooks";
import { cursorParamSchema } from "../../http/list-params";

/** @returns the host, with the port unless it is the scheme's default. */
export function hostOf({ origin }: Pick<Webhook, "origin">): string {
  return URL.parse(origin)?.host ?? origin;
}

/** @returns the webhook's name, or its host if it has none. */
export function nameOf(webhook: Pick<Webhook, "name" | "origin">): string {
  return webhook.name.trim() || hostOf(webhook);
}

/** @returns the path of a webhook's page. */
export function webhookPath({ uuid }: Pick<Webhook, "uuid">): string {
  return `/webhooks/${uuid}`;
}

/** @returns the path of a delivery's page. */
export function deliveryPath(webhook: Pick<Webhook, "uuid">, deliveryUuid: string): string {
  return `${webhookPath(webhook)}/deliveries/${deliveryUuid}`;
}

/** @returns the path of the list page that starts after the id `after`, or of the first page if `after` is not an id. */
export function listPath(after: unknown): string {
  const id = cursorParamSchema.safeParse(after).data;
  return id === undefined ? "/" : `/?after=${id}`;
}
