/** Where lanes live, as the settings say. */
import { ConfigurationError } from "./errors";

/** Cloudflare's documentation, "Data location" of Durable Objects. */
const locationHints: readonly string[] = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "oc",
  "afr",
  "me",
] satisfies DurableObjectLocationHint[];
const jurisdictions: readonly string[] = ["eu"] satisfies DurableObjectJurisdiction[];

/**
 * `jurisdiction`: lanes are kept within it, and are other objects than those outside of it. `locationHint`: where a new
 * lane is created; those that are there stay. Null: wherever the first call comes from.
 */
export type LanesPlace = {
  jurisdiction: DurableObjectJurisdiction | null;
  locationHint: DurableObjectLocationHint | null;
};

/** @throws {ConfigurationError} naming the setting that is not one of the allowed values. */
export function readLanesPlace(env: Pick<Env, "JURISDICTION" | "LOCATION_HINT">): LanesPlace {
  return {
    jurisdiction: oneOf<DurableObjectJurisdiction>("JURISDICTION", env.JURISDICTION, jurisdictions),
    locationHint: oneOf<DurableObjectLocationHint>("LOCATION_HINT", env.LOCATION_HINT, locationHints),
  };
}

function oneOf<Value extends string>(
  name: string,
  text: string | undefined,
  allowed: readonly string[],
): Value | null {
  const value = (text ?? "").trim().toLowerCase();
  if (value === "") return null;
  if (allowed.includes(value)) return value as Value;
  throw new ConfigurationError(`${name} must be empty or one of: ${allowed.join(", ")}.`);
}
