/** Schemas of API tokens. */
import { z } from "@hono/zod-openapi";
import { scopes, scopesDescription } from "../../auth/scopes";
import { parseTimestampUs } from "../../platform/timestamp";
import { nextCursorSchema } from "../../http/list-params";
import { timeSchema } from "../../platform/time";

const nameCharactersMax = 100;
const nameRule = `must be 1 to ${nameCharactersMax} characters`;
const expiryRule = "must be an ISO 8601 time in the future, such as 2027-11-05T12:00:00Z, or null";
const allowed = "name, scopes, expires_at";

const scopeSchema = z.enum(scopes, { error: `must be one of ${scopes.join(", ")}` }).openapi("Scope", {
  description: scopesDescription,
});

/** The request to create a token. `expires_at` is parsed to ms since 1970. */
export const tokenSpecSchema = z
  .strictObject(
    {
      name: z
        .string({ error: (issue) => (issue.input === undefined ? `is required and ${nameRule}` : nameRule) })
        .trim()
        .refine((name) => {
          const characters = Array.from(name).length;
          return characters >= 1 && characters <= nameCharactersMax;
        }, nameRule)
        .refine((name) => name.isWellFormed(), "must be well-formed Unicode")
        .openapi({ minLength: 1, maxLength: nameCharactersMax, example: "Orchest" }),
      scopes: z
        .array(scopeSchema, { error: `is required and must be a list of scopes: ${scopes.join(", ")}` })
        .min(1, `must be at least one of ${scopes.join(", ")}`)
        .max(scopes.length, "must not name a scope twice")
        .refine((list) => new Set(list).size === list.length, "must not name a scope twice")
        .openapi({ uniqueItems: true }),
      expires_at: z
        .string({ error: expiryRule })
        .transform((text, context) => {
          const us = parseTimestampUs(text);
          if (us !== null && us / 1000 > Date.now()) return Math.floor(us / 1000);
          context.addIssue({ code: "custom", message: expiryRule });
          return z.NEVER;
        })
        .nullish()
        .openapi({ type: ["string", "null"], format: "date-time" }),
    },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? `unknown ${issue.keys.join(", ")}: a token has the fields ${allowed}`
          : `a token must be an object with ${allowed}`,
    },
  )
  .openapi("TokenSpec", { example: { name: "Orchest", scopes: ["events:publish"] } });

/** A token in responses, without the token itself. */
export const tokenSchema = z
  .object({
    id: z.string().openapi({ format: "uuid" }),
    name: z.string(),
    scopes: z.array(scopeSchema),
    created_at: timeSchema,
    expires_at: timeSchema.nullable().openapi({ description: "Null: the token does not expire." }),
    last_used_at: timeSchema
      .nullable()
      .openapi({ description: "Exact to an hour. Null: it has not been used." }),
    revoked_at: timeSchema.nullable(),
  })
  .openapi("Token");

/** A token that was just created, with the token itself. */
export const newTokenSchema = z
  .object({
    ...tokenSchema.shape,
    token: z
      .string()
      .openapi({ description: "The token itself. It is shown only once.", example: "owh_3q2-7wEXAMPLE" }),
  })
  .openapi("NewToken");

/** A page of tokens. */
export const tokensSchema = z
  .object({ tokens: z.array(tokenSchema), next_cursor: nextCursorSchema })
  .openapi("Tokens");
