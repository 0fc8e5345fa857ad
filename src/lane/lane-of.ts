/** The only way to a webhook's lane: it applies where lanes are to live. */
import { readLanesPlace } from "../platform/lanes-place";

/** The stub of a lane. The object is created by the first call, at `LOCATION_HINT`, and stays where it is. */
export function laneOf(env: Env, webhookUuid: string): ReturnType<Env["LANES"]["getByName"]> {
  const { jurisdiction, locationHint } = readLanesPlace(env);
  const namespace = jurisdiction === null ? env.LANES : within(env.LANES, jurisdiction);
  return namespace.getByName(webhookUuid, locationHint === null ? {} : { locationHint });
}

/** workerd has no jurisdictions, where Cloudflare has: one machine has one place. */
function within(namespace: Env["LANES"], jurisdiction: DurableObjectJurisdiction): Env["LANES"] {
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    if (!/not implemented/i.test(String(error))) throw error;
    return namespace;
  }
}
