/** The only way to a webhook's lane: it applies where lanes are to live. */
import { readLanePlacement } from "../platform/lane-placement";

/** The stub of a lane. The object is created by the first call, at `LOCATION_HINT`, and stays where it is. */
export function laneOf(env: Env, webhookUuid: string): ReturnType<Env["LANES"]["getByName"]> {
  const { jurisdiction, locationHint } = readLanePlacement(env);
  const namespace = within(env.LANES, jurisdiction);
  return namespace.getByName(webhookUuid, locationHint === null ? {} : { locationHint });
}

/** The objects of a jurisdiction. workerd has none, where Cloudflare has: one machine has one place. */
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
