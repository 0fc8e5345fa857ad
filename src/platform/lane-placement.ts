/** The settings JURISDICTION and LOCATION_HINT: where Durable Objects are created. */
import { ConfigurationError } from "./errors";

/**
 * The values that Cloudflare allows. Source: https://developers.cloudflare.com/durable-objects/reference/data-location/
 */
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
 * Where Durable Objects are created. Null: near the first caller. `jurisdiction`: objects stay within it; the same name
 * outside of it is another object. `locationHint`: applies to new objects only, existing ones do not move.
 */
export type LanePlacement = {
  jurisdiction: DurableObjectJurisdiction | null;
  locationHint: DurableObjectLocationHint | null;
};

/** @throws {ConfigurationError} naming the setting whose value is not allowed. */
export function readLanePlacement(env: Pick<Env, "JURISDICTION" | "LOCATION_HINT">): LanePlacement {
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
