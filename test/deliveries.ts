/** The log of a webhook over the API. */
import { type Answer, api, notifications } from "./api";

/** A delivery as it is given back. */
export type DeliveryAnswer = {
  uuid: string;
  sequence: number;
  event_uuid: string;
  event_type: string;
  status: "pending" | "delivered" | "failed" | "dead";
  accepted_at: string;
  next_attempt_at: string | null;
  delivered_at: string | null;
  attempts_made: number;
  last_status: number | null;
  last_error: string | null;
  carried_by: string | null;
};

export type DeliveriesAnswer = { deliveries: DeliveryAnswer[]; next_cursor: string | null; message?: string };

export type FullDeliveryAnswer = DeliveryAnswer & {
  carries: string[];
  request: { headers: Record<string, string>; body: string | null } | null;
  attempts: {
    number: number;
    started_at: string;
    duration_ms: number;
    status: number | null;
    error: string | null;
    response_headers: Record<string, string>;
    response_body: string;
  }[];
};

/** One page. @param query such as `?status=dead`. */
export function listDeliveries(webhookUuid: string, query = ""): Promise<Answer<DeliveriesAnswer>> {
  return api("GET", `${notifications}/subscribers/${webhookUuid}/deliveries${query}`);
}

/** The deliveries of the first page, oldest first. */
export async function deliveriesOf(webhookUuid: string, query = ""): Promise<DeliveryAnswer[]> {
  const { body, text, status } = await listDeliveries(webhookUuid, query);
  if (status !== 200) throw new Error(`No deliveries were listed: ${text}`);
  return body.deliveries.toReversed();
}

/** The n-th delivery of a webhook, from 1. */
export async function deliveryAt(webhookUuid: string, sequence: number): Promise<DeliveryAnswer> {
  const found = (await deliveriesOf(webhookUuid, "?limit=100")).find((one) => one.sequence === sequence);
  if (found === undefined) throw new Error(`There is no delivery ${sequence}.`);
  return found;
}

export function getDelivery(webhookUuid: string, uuid: string): Promise<Answer<FullDeliveryAnswer>> {
  return api("GET", `${notifications}/subscribers/${webhookUuid}/deliveries/${uuid}`);
}

/** Asks for a change of the n-th delivery of a webhook, from 1. */
export async function change(
  what: "redeliver" | "skip",
  webhookUuid: string,
  sequence: number,
): Promise<Answer<{ message: string }>> {
  const { uuid } = await deliveryAt(webhookUuid, sequence);
  return api("POST", `${notifications}/subscribers/${webhookUuid}/deliveries/${uuid}/${what}`);
}

/** A list's pages, followed to their end. */
export async function allPages<Page extends { next_cursor: string | null }>(path: string): Promise<Page[]> {
  const pages: Page[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const query: string = cursor === "" ? "" : `${path.includes("?") ? "&" : "?"}cursor=${cursor}`;
    const { body } = await api<Page>("GET", path + query);
    pages.push(body);
    cursor = body.next_cursor;
  }
  return pages;
}
