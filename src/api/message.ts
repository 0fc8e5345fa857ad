/** `{"message"}`: the body of errors and of most acknowledgements. */
import { z } from "@hono/zod-openapi";

const messageSchema = z.object({ message: z.string() }).openapi("Message");

/** @returns a response with only a message, for an endpoint's OpenAPI contract. */
export function messageResponse(description: string): {
  description: string;
  content: { "application/json": { schema: typeof messageSchema } };
} {
  return { description, content: { "application/json": { schema: messageSchema } } };
}
