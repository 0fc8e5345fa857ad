/** The path of a replay's page. */
import type { Webhook } from "../../webhooks/webhooks";
import { webhookPath } from "./names-and-paths";

/** @param id the replay's uuid. */
export function replayPath(webhook: Pick<Webhook, "uuid">, id: string): string {
  return `${webhookPath(webhook)}/replays/${id}`;
}
