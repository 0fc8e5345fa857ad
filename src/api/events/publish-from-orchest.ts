/** `POST /api/events/orchest`: receives deliveries of a webhook in Orchest, so that an unmodified Orchest can publish. */
import { createRoute, z } from "@hono/zod-openapi";
import { keepRefused } from "../../events/keep-refused";
import { log } from "../../platform/log";
import { readConfig } from "../../platform/config";
import { knownSince } from "../../events/known-since";
import { verifyHubSignature } from "../../send/signature";
import { RequestError } from "../../platform/errors";
import { objectMember } from "../../events/json-text";
import type { Event } from "../../events/parse-events";
import { limitGuesses } from "../../auth/guesses";
import { mediaTypeOf } from "../media-type";
import { messageAnswer } from "../message";
import type { Router } from "../../http/router";
import { isoTime } from "../../platform/time";
import { publish } from "../../events/publish";
import { decodeUtf8 } from "../../http/utf8";
import { acceptedSchema } from "./accepted-schema";
import { exampleEvent } from "./event-schema";

/** Where Orchest's deliveries come in. */
export const orchestPath = "/api/events/orchest";

/** Younger events cannot have been forgotten, so that they need no question. */
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
    "Takes the body that Orchest's webhooks send (JSON or form). Needs no token: X-Hub-Signature is verified with ORCHEST_INGEST_SECRET. Pings are acknowledged and not published. A body of up to 8 MiB is read, so that one that is too large is kept as well.",
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
    200: messageAnswer(
      "Nothing was published: the body is a ping, or it cannot be used. What cannot be used is kept in /api/rejected, with the reason, since Orchest would repeat it for ever.",
    ),
    202: {
      description: "Accepted",
      content: { "application/json": { schema: acceptedSchema } },
    },
    400: messageAnswer("The event is older than what the archive reaches back to."),
    401: messageAnswer("The signature is missing or wrong."),
    429: messageAnswer("Too many wrong signatures from this address within a minute."),
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
      // Orchest's events have both. Without them, a signed body that is sent again would be a new event.
      const validate = (events: readonly Event[]) => rejectForgotten(c.env, events);
      return c.json(await publish(c.env, event, { publisher: "orchest", validate, defaults: null }), 202);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      const reason = error.message;
      log("warn", "event of Orchest rejected", { reason });
      await keepRefused(c.env.DB, { body, event, reason });
      return c.json({ message: `Not published, and kept in /api/rejected: ${reason}` }, 200);
    }
  });
}

/** Whether a repeat would be refused as well. Orchest repeats for ever what is not answered 2xx. */
function isUnusable(error: unknown): error is RequestError {
  return (
    error instanceof RequestError && !(error instanceof ForgottenError) && [400, 409].includes(error.status)
  );
}

/** An event that may be a replay of one that was forgotten. It is not kept, as anybody who saw it can send it. */
class ForgottenError extends RequestError {}

/**
 * Prevents replay attacks with signed bodies. While the event's uuid is known, a repeat is a duplicate. Older events may have
 * been published and forgotten, so that they are rejected.
 * @throws {ForgottenError} 400 for an event from before then; 503 when it cannot be told.
 */
async function rejectForgotten(env: Env, events: readonly Event[]): Promise<void> {
  for (const { uuid, timestampUs } of events) {
    const at = timestampUs / 1000;
    if (at > Date.now() - neverForgottenMs) continue;
    const since = await knownSince(env, uuid);
    if (at >= since) continue;
    throw new ForgottenError(
      400,
      `timestamp: must not be before ${isoTime(since)}. Older events are not known any more, so that this one may have been published already.`,
    );
  }
}

/**
 * Extracts the event's text from Orchest's body. The body is signed and the Content-Type is not: a body that starts like
 * JSON is never read as a form.
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

/** Not by URLSearchParams, which replaces invalid UTF-8 and would change the event. */
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
