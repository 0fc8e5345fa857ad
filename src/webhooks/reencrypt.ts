/** Encrypting stored settings anew, with the first key of ENCRYPTION_KEY, so that older keys can be removed. */
import { audit } from "../db/audit";
import { forEachConcurrent } from "../platform/concurrency";
import { keyId } from "../platform/encryption";
import { log } from "../platform/log";
import { reencryptWebhook } from "./change-webhook";
import { countEncryptedWith, countEncryptedWithout, listEncryptedWith } from "./encrypted-settings";
import type { Operation } from "./operation";

/** How many webhooks one call takes: each is a few calls to D1 and one to its lane. */
export const reencryptedMax = 200;
const webhooksAtOnce = 10;

/**
 * Takes up to `reencryptedMax` webhooks.
 * @returns how many were encrypted anew; `left`: that an older key still encrypts; `unreadable`: that no key decrypts.
 */
export async function reencryptWebhooks(
  operation: Operation,
): Promise<{ reencrypted: number; left: number; unreadable: number }> {
  const { env, config, actor } = operation;
  const keyIds = await Promise.all(config.encryptionKeys.map(keyId));
  const older = keyIds.filter((id) => id !== keyIds[0]);
  let reencrypted = 0;
  const uuids = await listEncryptedWith(env, older, reencryptedMax);
  await forEachConcurrent(webhooksAtOnce, uuids, async (uuid) => {
    try {
      await reencryptWebhook(operation, uuid);
      reencrypted += 1;
    } catch (error) {
      // A webhook that was tampered with, deleted or changed meanwhile holds up no other.
      log("warn", "webhook not encrypted anew", { webhook: uuid, error: String(error) });
    }
  });
  if (reencrypted > 0) {
    await audit(env, actor, { action: "webhooks.reencrypted", detail: String(reencrypted) });
  }
  const left = await countEncryptedWith(env, older);
  return { reencrypted, left, unreadable: await countEncryptedWithout(env, keyIds) };
}
