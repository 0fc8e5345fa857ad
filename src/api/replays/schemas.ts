/** How replays are shown. */
import { z } from "@hono/zod-openapi";
import { nextCursorSchema } from "../../http/list-params";
import type { ListedReplay, ReplayProgress } from "../../lane/replay-progress";
import { isoTime } from "../../platform/time";

/** The webhook and the replay in a path. */
export const replayParamsSchema = z.object({
  uuid: z.string().toLowerCase().openapi({ description: "The webhook's uuid." }),
  replay: z.string().toLowerCase().openapi({ description: "The replay's uuid." }),
});

const queuedSchema = z.int().openapi({ description: "Exact up to 1,000, else a lower bound." });
const sentSchema = z.int().openapi({ description: "Delivered or given up." });

/** How far one replay has come. */
export const replayProgressSchema = z
  .object({
    queued: queuedSchema,
    sent: sentSchema,
    done: z.boolean(),
    stopped: z
      .literal(true)
      .optional()
      .openapi({ description: "Present when it was stopped before all was sent." }),
  })
  .openapi("ReplayProgress");

const listedReplaySchema = z
  .object({
    replay: z.string().openapi({ description: "Its uuid." }),
    kind: z.enum(["dead", "all", "missing", "picked"]).openapi({
      description: "What it sends, as it was asked for; picked: dead letters that were selected.",
    }),
    since: z
      .string()
      .nullable()
      .openapi({ description: "Of the times of acceptance; null where it was not asked for by time." }),
    until: z.string().nullable().openapi({ description: "The end of those times, excluded." }),
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

export function progressAnswer(progress: ReplayProgress): z.infer<typeof replayProgressSchema> {
  const { queued, sent, done, stopped } = progress;
  return { queued, sent, done, ...(stopped && { stopped }) };
}

export function listedReplayAnswer(replay: ListedReplay): z.infer<typeof listedReplaySchema> {
  const { id, kind, since, until, startedAt, queued, sent, done, stopped } = replay;
  if (kind === "one") throw new Error("A single delivery is in no list of replays.");
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
