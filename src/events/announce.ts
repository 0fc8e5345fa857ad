/** Publishing what the gateway itself has to tell of a webhook. */
import { dispatch } from "./dispatch";

/**
 * Publishes an event of the gateway's own to every webhook that subscribed to it, except the one that it is about.
 * Idempotent by uuid: may be repeated until it succeeds.
 */
export async function publishAnnouncement(
  env: Env,
  announcement: { uuid: string; type: string; body: string },
  aboutWebhook: string,
): Promise<void> {
  const now = new Date();
  await dispatch(
    env,
    [
      {
        uuid: announcement.uuid,
        type: announcement.type,
        timestamp: now.toISOString(),
        timestampUs: now.getTime() * 1000,
        projectUuid: null,
        jobUuid: null,
        body: announcement.body,
      },
    ],
    { publisher: "gateway", exceptWebhook: aboutWebhook },
  );
}
