/** Optional settings. `wrangler types` generates types only for the required ones. */
interface Env {
  /** The egresses (`egress-settings.ts`). It is a secret: `wrangler secret put EGRESS`. */
  EGRESS?: string;
}
declare namespace Cloudflare {
  interface Env {
    EGRESS?: string;
  }
}
