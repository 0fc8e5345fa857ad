/** `{"message"}`: what errors and most acknowledgements look like. */
import { z } from "@hono/zod-openapi";

const messageSchema = z.object({ message: z.string() }).openapi("Message");

/** An answer of an endpoint's contract that is only a message. */
export function messageAnswer(description: string): {
  description: string;
  content: { "application/json": { schema: typeof messageSchema } };
} {
  return { description, content: { "application/json": { schema: messageSchema } } };
}
