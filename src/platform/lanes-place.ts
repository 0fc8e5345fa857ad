/** Where lanes live, as the settings say. */
import { ConfigurationError } from "./errors";

/** Cloudflare's documentation, "Data location" of Durable Objects. */
const locationHints: readonly DurableObjectLocationHint[] = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "oc",
  "afr",
  "me",
];
const jurisdictions: readonly DurableObjectJurisdiction[] = ["eu"];

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
    jurisdiction: oneOf("JURISDICTION", env.JURISDICTION, jurisdictions),
    locationHint: oneOf("LOCATION_HINT", env.LOCATION_HINT, locationHints),
  };
}

function oneOf<Value extends string>(
  name: string,
  text: string | undefined,
  allowed: readonly Value[],
): Value | null {
  const value = (text ?? "").trim().toLowerCase();
  if (value === "") return null;
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new ConfigurationError(`${name} must be empty or one of: ${allowed.join(", ")}.`);
}
