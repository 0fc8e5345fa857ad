/** `POST /api/events/orchest`: a webhook of Orchest's own, so that an unmodified Orchest feeds the gateway. */
import { createRoute, z } from "@hono/zod-openapi";
import { readConfig } from "../../platform/config";
import { archiveCompleteSince } from "../../events/archive-retention";
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

/** An event this young is not looked up in the archive's reach. */
const surelyKnownMs = 60_000;

const route = createRoute({
  method: "post",
  path: "/api/events/orchest",
  tags: ["Events"],
  summary: "Take an event from a webhook of Orchest",
  description:
    "The body that Orchest sends (JSON or form), verified by X-Hub-Signature with ORCHEST_INGEST_SECRET. No token is needed. A ping is answered and not published.",
  security: [],
  request: {
    headers: z.object({
      "x-hub-signature": z.string().optional().openapi({
        description: "HMAC-SHA256 of the body's bytes with the secret, in lower-case hex.",
      }),
    }),
  },
  responses: {
    200: messageAnswer("A ping: nothing was published."),
    202: {
      description: "Accepted",
      content: { "application/json": { schema: acceptedSchema } },
    },
    400: messageAnswer("The body is not as Orchest sends it."),
    401: messageAnswer("The signature is missing or wrong."),
    409: messageAnswer("The uuid is known with another text."),
    429: messageAnswer("Too many wrong signatures came from this address in this minute."),
  },
});

/** Adds the endpoint. */
export function publishFromOrchest(router: Router): void {
  router.openapi(route, async (c) => {
    const body = new Uint8Array(await c.req.arrayBuffer());
    const signature = c.req.valid("header")["x-hub-signature"] ?? "";
    if (!(await verifyHubSignature(readConfig(c.env).orchestIngestSecret, body, signature))) {
      if (signature !== "") await limitGuesses(c, "signatures");
      throw new RequestError(401, "X-Hub-Signature is missing or does not fit the body.");
    }
    const event = eventText(decodeUtf8(body).trim(), mediaTypeOf(c));
    if (isPing(event)) return c.json({ message: "success" }, 200);
    const refuse = (events: readonly Event[]) => refuseForgotten(c.env, events);
    return c.json(await publish(c.env, event, { publisher: "orchest", refuse }), 202);
  });
}

/**
 * Whoever saw a signed body can send it again. While the archive knows its event's uuid, that is a duplicate; what is
 * older may have been published and forgotten.
 * @throws {RequestError} 400 for an event from before what the archive still knows.
 */
async function refuseForgotten(env: Env, events: readonly Event[]): Promise<void> {
  const oldestMs = Math.min(...events.map(({ timestampUs }) => timestampUs)) / 1000;
  // Nothing is forgotten so soon, and most events come at once.
  if (oldestMs > Date.now() - surelyKnownMs) return;
  const wholeFrom = await archiveCompleteSince(env.DB);
  if (oldestMs >= wholeFrom) return;
  throw new RequestError(
    400,
    `timestamp: lies before ${isoTime(wholeFrom)}, up to which the archive has forgotten events: this one may have been published already.`,
  );
}

/**
 * The event's own text in Orchest's body. The header is not signed, the body is: what may be JSON is nothing else.
 * @param text without white space around it, and without a byte order mark.
 */
function eventText(text: string, mediaType: string | undefined): string {
  const event =
    mediaType === "application/x-www-form-urlencoded" && !text.startsWith("{")
      ? formField(text, "event")
      : isJsonObject(text) && objectMember(text, "event");
  if (event) return event;
  throw new RequestError(400, "event: is required, beside delivered_for, as Orchest's webhooks send it.");
}

/** URLSearchParams would replace what is not valid UTF-8, and the event would not stay as it was. */
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

/** Undefined when it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
