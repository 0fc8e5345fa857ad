/** How much is in D1: for tests that claim that nothing changed. */
import { env } from "cloudflare:workers";

export async function rowCounts(): Promise<{ webhooks: number; subscriptions: number }> {
  return { webhooks: await count("webhooks"), subscriptions: await count("subscriptions") };
}

async function count(table: string): Promise<number> {
  return (await env.DB.prepare(`select count(*) as n from ${table}`).first<number>("n")) ?? -1;
}
