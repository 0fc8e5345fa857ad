import { defineConfig } from "drizzle-kit";

/** `npm run db:generate` turns changes of the schema into SQL that `wrangler d1 migrations apply` runs. */
export default defineConfig({
  dialect: "sqlite",
  schema: "./src/db/schema.ts",
  out: "./migrations",
});
