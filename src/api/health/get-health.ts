/** `GET /health`: a health check for monitors. */
import { createRoute, z } from "@hono/zod-openapi";
import { cached } from "../../platform/cached";
import { readConfig } from "../../platform/config";
import { type EncryptedSettings, sampleEncryptedSettings } from "../../webhooks/encrypted-settings";
import { ConfigurationError } from "../../platform/errors";
import { countSetAside } from "../../events/handovers";
import { log } from "../../platform/log";
import { decryptSettings } from "../../platform/encryption";
import { messageResponse } from "../message";
import type { Router } from "../../http/router";

/** How long results of the storage checks are cached, because anyone may call the endpoint at any rate. */
const storageCheckTtlMs = 5000;
/** The most hand-overs set aside that are counted. */
const setAsideMax = 100;

const route = createRoute({
  method: "get",
  path: "/health",
  operationId: "getHealth",
  tags: ["Operation"],
  summary: "Check the gateway's health",
  description:
    "Checks the configuration, the database, and that ENCRYPTION_KEY decrypts the stored settings. The database and the keys are checked at most once in five seconds. Needs no token.",
  security: [],
  responses: {
    200: {
      description: "The gateway is healthy.",
      content: { "application/json": { schema: z.object({ status: z.literal("ok") }) } },
    },
    403: messageResponse(
      "A local gateway was called with a host name other than 127.0.0.1, localhost or [::1].",
    ),
    503: {
      description: "The gateway is not healthy, for the reason in the message.",
      content: {
        "application/json": { schema: z.object({ status: z.literal("error"), message: z.string() }) },
      },
    },
  },
});

/** Adds the endpoint to `router`. @param checkJurisdiction throws when JURISDICTION has changed. */
export function getHealth(router: Router, checkJurisdiction: (env: Env) => Promise<void>): void {
  const storageProblem = cached(storageCheckTtlMs, (env) => findStorageProblem(env, checkJurisdiction));
  router.openapi(route, async (c) => {
    const problem = configurationProblem(c.env) ?? (await storageProblem(c.env));
    if (problem === null) return c.json({ status: "ok" } as const, 200);
    log("error", "unhealthy", { error: problem });
    return c.json({ status: "error", message: problem } as const, 503);
  });
}

/** @returns a message without secrets, or null when the configuration is valid. */
function configurationProblem(env: Env): string | null {
  try {
    readConfig(env);
    return null;
  } catch (error) {
    return error instanceof ConfigurationError ? error.message : "The configuration cannot be read.";
  }
}

/** @returns a message without secrets, or null when the database can be read and decrypted. */
async function findStorageProblem(
  env: Env,
  checkJurisdiction: (env: Env) => Promise<void>,
): Promise<string | null> {
  const keys = readConfig(env).encryptionKeys;
  let samples: EncryptedSettings[];
  let setAside: number;
  try {
    samples = await sampleEncryptedSettings(env);
    await checkJurisdiction(env);
    setAside = await countSetAside(env.DB, setAsideMax);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    log("error", "database unreachable", { error: String(error) });
    return "The database cannot be reached.";
  }
  try {
    for (const { uuid, encryptedSettings } of samples) await decryptSettings(keys, uuid, encryptedSettings);
  } catch (error) {
    log("error", "settings not decrypted", { error: String(error) });
    return "ENCRYPTION_KEY does not decrypt the stored settings. Add the key that encrypted them after the new one, separated by a comma.";
  }
  return setAside === 0 ? null : setAsideProblem(setAside);
}

/** Makes accepted events that are never delivered visible to monitors, not only in the log. */
function setAsideProblem(rows: number): string {
  const count = rows === setAsideMax ? `${rows} or more` : String(rows);
  return `Hand-overs set aside: ${count}. The column set_aside of the table handovers has the reasons. Delete the rows once you have investigated them.`;
}
