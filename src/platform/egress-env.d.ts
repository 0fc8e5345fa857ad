/** Settings that a deployment may leave out: `wrangler types` knows only those that are required. */
interface Env {
  /** Ways out of the gateway (`egress-settings.ts`), a secret: `wrangler secret put EGRESS`. */
  EGRESS?: string;
}
declare namespace Cloudflare {
  interface Env {
    EGRESS?: string;
  }
}
