/** Gets the stub of a webhook's lane, with the settings for the placement of lanes. No other code does so. */
import { readLanePlacement } from "../platform/lane-placement";

/** @returns the stub of a lane. The first call creates the object, at `LOCATION_HINT`, and it stays there. */
export function laneOf(env: Env, webhookUuid: string): ReturnType<Env["LANES"]["getByName"]> {
  const { jurisdiction, locationHint } = readLanePlacement(env);
  const namespace = within(env.LANES, jurisdiction);
  return namespace.getByName(webhookUuid, locationHint === null ? {} : { locationHint });
}

/**
 * @returns the namespace within a jurisdiction. workerd on one machine has no jurisdictions, and the namespace is then
 *   returned unchanged.
 */
export function within<Kind extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<Kind>,
  jurisdiction: DurableObjectJurisdiction | null,
): DurableObjectNamespace<Kind> {
  if (jurisdiction === null) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    if (!/not implemented/i.test(String(error))) throw error;
    return namespace;
  }
}
