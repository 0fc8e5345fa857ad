/** Schemas of replays in the API, and their responses. */
import { z } from "@hono/zod-openapi";
import { nextCursorSchema } from "../../http/list-params";
import type { ListedReplay, ReplayProgress } from "../../lane/replay-progress";
import { isoTime } from "../../platform/time";

/** The path parameters of a replay: the webhook's uuid and the replay's. */
export const replayParamsSchema = z.object({
  uuid: z.string().toLowerCase().openapi({ description: "The webhook's uuid." }),
  replay: z.string().toLowerCase().openapi({ description: "The replay's uuid." }),
});

const queuedSchema = z
  .int()
  .openapi({ description: "The number of deliveries; exact up to 1,000, above that a lower bound." });
const sentSchema = z
  .int()
  .openapi({ description: "The number of deliveries that were delivered or given up." });

/** The progress of a replay. */
export const replayProgressSchema = z
  .object({
    queued: queuedSchema,
    sent: sentSchema,
    done: z.boolean(),
    stopped: z
      .literal(true)
      .optional()
      .openapi({ description: "Present when the replay was stopped before its end." }),
  })
  .openapi("ReplayProgress");

const listedReplaySchema = z
  .object({
    replay: z.string().openapi({ description: "The replay's uuid." }),
    kind: z.enum(["dead", "all", "missing", "picked"]).openapi({
      description: "The requested kind of deliveries; picked: selected dead letters.",
    }),
    since: z
      .string()
      .nullable()
      .openapi({ description: "The start of the time range; null for a replay without one." }),
    until: z.string().nullable().openapi({ description: "The end of the time range, exclusive." }),
    started_at: z
      .string()
      .nullable()
      .openapi({ description: "Null for a replay that an earlier version started." }),
    queued: queuedSchema,
    sent: sentSchema,
    done: z.boolean(),
    stopped: z.boolean(),
  })
  .openapi("ListedReplay");

/** A page of the list. */
export const replaysSchema = z
  .object({ replays: z.array(listedReplaySchema), next_cursor: nextCursorSchema })
  .openapi("Replays");

/** @returns a replay's progress in a response. */
export function progressResponse(progress: ReplayProgress): z.infer<typeof replayProgressSchema> {
  const { queued, sent, done, stopped } = progress;
  return { queued, sent, done, ...(stopped && { stopped }) };
}

/** @returns a replay in a list. @throws for a single delivery that was resent, which no list contains. */
export function listedReplayResponse(replay: ListedReplay): z.infer<typeof listedReplaySchema> {
  const { id, kind, since, until, startedAt, queued, sent, done, stopped } = replay;
  if (kind === "one") throw new Error("The resending of a single delivery is not in lists of replays.");
  return {
    replay: id,
    kind,
    since: isoOrNull(since),
    until: isoOrNull(until),
    started_at: isoOrNull(startedAt),
    queued,
    sent,
    done,
    stopped,
  };
}

function isoOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : isoTime(timeMs);
}
