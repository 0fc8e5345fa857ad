/** The instructions for a first delivery, which `npm start` prints. */
import { randomUUID } from "node:crypto";

const plainUrl = "http://127.0.0.1:9000";
/** With a relay: a receiver whose certificate nobody has signed but itself. */
const selfSignedUrl = "https://localhost:9443";
const receiverSecret = "receiver-secret";
const eventType = "project:created";

/** @returns text for a terminal. Its curl commands work unchanged; publishing the event twice gives a duplicate. */
export function firstSteps(gateway: { url: string; token: string; hasRelay?: boolean }): string {
  const receiverUrl = gateway.hasRelay ? selfSignedUrl : plainUrl;
  const webhook = {
    url: receiverUrl,
    name: "receiver",
    verify_ssl: false,
    secret: receiverSecret,
    subscriptions: [{ event_type: eventType }],
  };
  const event = {
    uuid: randomUUID(),
    type: eventType,
    timestamp: new Date().toISOString(),
    project: { uuid: randomUUID(), name: "First project" },
  };
  return `
The gateway serves on ${gateway.url}
Local API token: ${gateway.token}

A first delivery: start a receiver in a second terminal,
  npm run receiver -- --port ${new URL(receiverUrl).port} --secret ${receiverSecret}${gateway.hasRelay ? " --self-signed" : ""}

create a webhook for it in a third,
  ${curl(gateway, "/api/notifications/subscribers/webhooks", webhook)}

and publish an event.
  ${curl(gateway, "/api/events", event)}

Ctrl-C stops the gateway. Webhooks and undelivered events are still there after the next start.
`;
}

function curl(gateway: { url: string; token: string }, path: string, body: unknown): string {
  return `curl -X POST ${gateway.url}${path} -H 'Authorization: Bearer ${gateway.token}' -H 'Content-Type: application/json' -d '${JSON.stringify(body)}'`;
}
