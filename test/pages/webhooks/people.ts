/** People who look at pages, and deliveries for them to look at. */
import { expect, vi } from "vitest";
import { api } from "../../api";
import { type DeliveryAnswer, deliveriesOf } from "../../deliveries";
import { makeEvent, publish } from "../../event";
import { makeUsedToken } from "../../tokens";
import { signIn } from "../page";

/** The cookie of someone who may change webhooks, and read texts. */
export async function writer(): Promise<string> {
  return signIn((await makeUsedToken(["webhooks:write", "deliveries:read"])).token);
}

/** The cookie of someone who may only look, at everything. */
export async function reader(): Promise<string> {
  return signIn((await makeUsedToken(["deliveries:read"])).token);
}

/** Publishes an event that matches the webhook, and waits until its delivery has this status. */
export async function deliver(
  webhookUuid: string,
  status: DeliveryAnswer["status"],
): Promise<DeliveryAnswer> {
  expect((await publish(makeEvent())).body).toMatchObject({ accepted: [{ deliveries: expect.any(Number) }] });
  return vi.waitFor(async () => {
    const newest = (await deliveriesOf(webhookUuid)).at(-1);
    expect(newest?.status).toBe(status);
    if (newest === undefined) throw new Error("There is no delivery.");
    return newest;
  });
}

/** The actions in the audit log, newest first. */
export async function audited(): Promise<string[]> {
  const { body } = await api<{ entries: { action: string }[] }>("GET", "/api/audit");
  return body.entries.map(({ action }) => action);
}
