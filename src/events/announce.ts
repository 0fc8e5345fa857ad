/** Publishes the gateway's own events about a webhook. */
import { dispatch } from "./dispatch";

/**
 * Publishes one of the gateway's own events to every matching webhook except the one that it is about, so that a
 * failing webhook cannot trigger itself. Idempotent by uuid: the caller repeats it until it succeeds.
 * @param announcement `body`: the event as JSON text.
 * @param aboutWebhook the uuid of the webhook that it is about.
 * @throws when D1 cannot be reached.
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
        projectName: null,
        jobUuid: null,
        jobName: null,
        body: announcement.body,
      },
    ],
    { publisher: "gateway", exceptWebhook: aboutWebhook },
  );
}
