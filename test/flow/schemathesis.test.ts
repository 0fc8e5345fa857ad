/** schemathesis: requests made from the OpenAPI document, valid and invalid ones, and responses held against it. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import {
  isInstalled,
  mayBeLeftOut,
  pythonEnvironment,
  pythonTools,
  schemathesisConfig,
} from "../../tools/api-tools/tools.ts";
import { BorrowedGateway } from "./borrowed-gateway.ts";
import { call, createWebhook, makeEvent, publish, webhookPath } from "./client.ts";
import { eventually } from "./eventually.ts";
import { Receiver } from "./receiver.ts";

const isHere = isInstalled.python();
if (!isHere) console.log("Left out: schemathesis, which npm run api-tools installs.");

test.skipIf(!isHere && mayBeLeftOut)(
  "schemathesis finds no response that the OpenAPI document does not describe",
  async () => {
    const gateway = await BorrowedGateway.borrow();
    const directory = mkdtempSync(join(tmpdir(), "schemathesis-"));
    try {
      const environment = await existingObjects(gateway);
      const program = join(pythonTools, "bin/schemathesis");
      const args = ["--config-file", schemathesisConfig, "--no-color", "run", `${gateway.url}/openapi.json`];
      const { stdout } = await promisify(execFile)("python3", [program, ...args], {
        cwd: directory,
        env: { ...process.env, ...pythonEnvironment, ...environment, GATEWAY_TOKEN: gateway.token },
        maxBuffer: 64 * 1024 * 1024,
      }).catch((error: unknown) => {
        throw new Error((error as { stdout: string }).stdout, { cause: error });
      });
      expect(stdout).toMatch(/\d{3,} generated, \d{3,} passed/);
    } finally {
      rmSync(directory, { recursive: true });
      await gateway.giveBack();
    }
  },
);

/** @returns the variables of the configuration: the uuids of a webhook, an event and its delivery. */
async function existingObjects(gateway: BorrowedGateway): Promise<Record<string, string>> {
  const receiver = await Receiver.start();
  const webhook = await createWebhook(gateway, { url: receiver.url, eventTypes: ["project:created"] });
  const event = makeEvent("project:created");
  await publish(gateway, event);
  await eventually("the event is delivered", () => receiver.arrivals.length === 1);
  const { json } = await call(gateway, "GET", webhookPath(webhook, "/deliveries"));
  const [delivery] = (json as { deliveries: { uuid: string }[] }).deliveries;
  return { WEBHOOK: webhook.uuid, EVENT: event.uuid, DELIVERY: delivery?.uuid ?? "" };
}
