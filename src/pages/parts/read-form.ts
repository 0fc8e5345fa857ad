/** Reads submitted forms. */
import type { Context } from "hono";
import { RequestError } from "../../platform/errors";
import type { AppEnv } from "../../auth/app-env";

/** @returns the request's form. @throws {RequestError} 400 when the body is not a form or is incomplete. */
export async function readForm(c: Context<AppEnv>): Promise<FormData> {
  try {
    return await c.req.formData();
  } catch (cause) {
    throw new RequestError(400, "The form could not be read.", { cause });
  }
}
