/**
 * What `zod` is in the bundle (`alias` in wrangler.toml): what this gateway and its libraries use of it, without its translations.
 * Its own module and its `core` hold every locale, and `@hono/zod-openapi` uses the module as a whole. The English messages
 * come with the schemas.
 */
export * from "../../node_modules/zod/v4/classic/schemas.js";
export * from "../../node_modules/zod/v4/classic/checks.js";
export * from "../../node_modules/zod/v4/classic/errors.js";
export * from "../../node_modules/zod/v4/classic/parse.js";
export * from "../../node_modules/zod/v4/classic/compat.js";
export {
  $brand,
  $input,
  $output,
  clone,
  config,
  flattenError,
  formatError,
  globalRegistry,
  NEVER,
  prettifyError,
  regexes,
  registry,
  TimePrecision,
  treeifyError,
  util,
} from "../../node_modules/zod/v4/core/index.js";
export * as iso from "../../node_modules/zod/v4/classic/iso.js";
export * as coerce from "../../node_modules/zod/v4/classic/coerce.js";
// oxlint-disable-next-line import/no-self-import -- `z` is this module, as in zod itself.
export * as z from "./zod.ts";
