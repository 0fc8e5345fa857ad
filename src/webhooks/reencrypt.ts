/** Re-encrypting stored settings with the first key in ENCRYPTION_KEY, so that older keys can be removed. */
import { audit } from "../db/audit";
import { forEachConcurrent } from "../platform/concurrency";
import { keyId } from "../platform/encryption";
import { log } from "../platform/log";
import { reencryptWebhook } from "./change-webhook";
import { countEncryptedWith, countEncryptedWithout, listEncryptedWith } from "./encrypted-settings";
import type { Operation } from "./operation";

/** The most webhooks in one call. Each takes a few queries to D1 and one call of its lane. */
export const reencryptedMax = 200;
const webhooksAtOnce = 10;

/**
 * Re-encrypts up to `reencryptedMax` webhooks and audits it. Safe to repeat and to run concurrently.
 * @returns `reencrypted`: how many webhooks were re-encrypted; `left`: how many are still encrypted with an older key;
 *   `unreadable`: how many cannot be decrypted with any key.
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
      // A webhook that cannot be decrypted, or was deleted or changed meanwhile, does not stop the others.
      log("warn", "webhook not re-encrypted", { webhook: uuid, error: String(error) });
    }
  });
  if (reencrypted > 0) {
    await audit(env, actor, { action: "webhooks.reencrypted", detail: String(reencrypted) });
  }
  const left = await countEncryptedWith(env, older);
  return { reencrypted, left, unreadable: await countEncryptedWithout(env, keyIds) };
}
