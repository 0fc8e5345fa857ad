/** `POST /api/events/orchest`: receives deliveries of a webhook in Orchest, so that an unmodified Orchest can publish. */
import { createRoute, z } from "@hono/zod-openapi";
import { keepRejectedDelivery } from "../../events/keep-rejected-delivery";
import { log } from "../../platform/log";
import { readConfig } from "../../platform/config";
import { knownSince } from "../../events/known-since";
import { verifyHubSignature } from "../../send/signature";
import { RequestError } from "../../platform/errors";
import { objectMember } from "../../events/json-text";
import type { Event } from "../../events/parse-events";
import { limitGuesses } from "../../auth/guesses";
import { mediaTypeOf } from "../media-type";
import { messageResponse } from "../message";
import type { Router } from "../../http/router";
import { isoTime } from "../../platform/time";
import { publish } from "../../events/publish";
import { decodeUtf8 } from "../../http/utf8";
import { acceptedSchema } from "./accepted-schema";
import { exampleEvent } from "./event-schema";

/** The path of the endpoint. */
export const orchestPath = "/api/events/orchest";

/** Newer events cannot have been forgotten, so that no shard has to be asked about them. */
const neverForgottenMs = 60_000;

const orchestDelivery = {
  type: "object" as const,
  required: ["event"],
  properties: {
    delivered_for: { type: "object" as const, description: "The webhook in Orchest. It is not read." },
    event: { $ref: "#/components/schemas/Event" },
  },
};

const route = createRoute({
  method: "post",
  path: orchestPath,
  operationId: "publishEventFromOrchest",
  tags: ["Events"],
  summary: "Publish an event from a webhook in Orchest",
  description:
    "Accepts the body that Orchest's webhooks send (JSON or form). Needs no token: X-Hub-Signature is verified with ORCHEST_INGEST_SECRET. Pings are acknowledged and not published. Bodies of up to 8 MiB are read, so that events that are too large can be kept as rejected messages.",
  security: [],
  request: {
    headers: z.object({
      "x-hub-signature": z.string().optional().openapi({
        description: "The HMAC-SHA256 of the body with the secret, in lower-case hex.",
      }),
    }),
    body: {
      required: true,
      description:
        "The body of a delivery of Orchest's webhooks. In a form, the two members are two fields with JSON text.",
      content: {
        "application/json": { schema: orchestDelivery, example: { delivered_for: {}, event: exampleEvent } },
        "application/x-www-form-urlencoded": {
          schema: {
            type: "object",
            required: ["event"],
            properties: { delivered_for: { type: "string" }, event: { type: "string" } },
          },
        },
      },
    },
  },
  responses: {
    200: messageResponse(
      "Nothing was published: the body is a ping, or cannot be used. A body that cannot be used is kept in /api/rejected, with the reason, because Orchest would repeat it for ever. An event that is older than the oldest one in the archive is not kept.",
    ),
    202: {
      description: "Accepted",
      content: { "application/json": { schema: acceptedSchema } },
    },
    401: messageResponse("The signature is missing or wrong."),
    429: messageResponse("Too many wrong signatures from this address within a minute."),
  },
});

/** Adds the endpoint to `router`. */
export function publishFromOrchest(router: Router): void {
  router.openapi(route, async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer());
    const signature = c.req.valid("header")["x-hub-signature"] ?? "";
    if (!(await verifyHubSignature(readConfig(c.env).orchestIngestSecret, body, signature))) {
      if (signature !== "") await limitGuesses(c, "signatures");
      throw new RequestError(401, "X-Hub-Signature is missing or does not match the body.");
    }
    let event: string | null = null;
    try {
      event = eventText(decodeUtf8(body).trim(), mediaTypeOf(c));
      if (isPing(event)) return c.json({ message: "success" }, 200);
      // Events from Orchest have a uuid and a timestamp. With defaults for them, a replayed signed body would be a new
      // event.
      const validate = (events: readonly Event[]) => rejectForgotten(c.env, events);
      return c.json(await publish(c.env, event, { publisher: "orchest", validate, defaults: null }), 202);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      const reason = error.message;
      log("warn", "event of Orchest rejected", { reason });
      if (error instanceof ForgottenError) return c.json({ message: `Not published: ${reason}` }, 200);
      await keepRejectedDelivery(c.env.DB, { body, event, reason });
      return c.json({ message: `Not published, and kept in /api/rejected: ${reason}` }, 200);
    }
  });
}

/** Whether a repeat would be refused as well. Orchest repeats a delivery until the response is 2xx, for ever. */
function isUnusable(error: unknown): error is RequestError {
  return error instanceof RequestError && [400, 409].includes(error.status);
}

/**
 * The error for an event that may be a replay of a forgotten one. Such an event is not kept, because anybody who has
 * seen it can send it.
 */
class ForgottenError extends RequestError {}

/**
 * Prevents replay attacks with signed bodies. A repeat is a duplicate while the event's uuid is known. Older events may
 * have been published and forgotten, and are rejected.
 * @throws {ForgottenError} 400 for an event from before that time; 503 when the time is not known.
 */
async function rejectForgotten(env: Env, events: readonly Event[]): Promise<void> {
  for (const { uuid, timestampUs } of events) {
    const at = timestampUs / 1000;
    if (at > Date.now() - neverForgottenMs) continue;
    const since = await knownSince(env, uuid);
    if (at >= since) continue;
    throw new ForgottenError(
      400,
      `timestamp: must not be before ${isoTime(since)}. Older events are forgotten, so that this one may have been published already.`,
    );
  }
}

/**
 * Extracts the event's text from Orchest's body. As only the body is signed, and not the Content-Type, a body that
 * starts like JSON is never read as a form.
 * @param text without surrounding white space and without a byte order mark.
 * @throws {RequestError} 400 when there is no event.
 */
function eventText(text: string, mediaType: string | undefined): string {
  const event =
    mediaType === "application/x-www-form-urlencoded" && !text.startsWith("{")
      ? formField(text, "event")
      : isJsonObject(text) && objectMember(text, "event");
  if (event) return event;
  if (text.startsWith("{") && !isJsonObject(text)) throw new RequestError(400, "The body is not valid JSON.");
  throw new RequestError(400, "event: is required, as in the deliveries of Orchest's webhooks.");
}

/** Reads a field of a form. URLSearchParams would replace invalid UTF-8 and so change the event. */
function formField(text: string, name: string): string | undefined {
  const pair = text.split("&").find((candidate) => candidate.startsWith(`${name}=`));
  try {
    return pair && decodeURIComponent(pair.slice(name.length + 1).replaceAll("+", " "));
  } catch (cause) {
    throw new RequestError(400, `${name}: is not valid UTF-8 in percent-encoding.`, { cause });
  }
}

function isJsonObject(text: string): boolean {
  const value = parseJson(text);
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPing(event: string): boolean {
  const value = parseJson(event);
  return typeof value === "object" && value !== null && "type" in value && value.type === "ping";
}

/** @returns undefined for invalid JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
