/** What a webhook is called, and where its pages are. Of its URL only the host is ever shown. */
import type { Webhook } from "../../webhooks/webhooks";
import { cursorParamSchema } from "../../http/list-params";

/** @returns the host, with the port where it is not the scheme's own. */
export function hostOf({ origin }: Pick<Webhook, "origin">): string {
  return URL.parse(origin)?.host ?? origin;
}

/** @returns its name, or its host where it has none. */
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

/** @returns the path of the list's page that begins behind `after`, an id as the query gives it; of the first one for anything else. */
export function listPath(after: unknown): string {
  const id = cursorParamSchema.safeParse(after).data;
  return id === undefined ? "/" : `/?after=${id}`;
}
