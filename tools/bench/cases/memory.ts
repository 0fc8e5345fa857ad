/** `memory`: a backlog lies on disk. A Worker with much waiting takes no more than one that saw as many events go by. */
import { type Figures, figure } from "../figures.ts";
import { Gateway } from "../gateway.ts";
import type { Lab } from "../lab.ts";

const depth = 100_000;
const warmUp = 20_000;
const sampleMs = 250;

export async function memory(lab: Lab): Promise<Figures> {
  return {
    memory: figure({
      value: await peakMegabytes(lab, "waiting"),
      limit: await peakMegabytes(lab, "unmatched"),
      goal: 1.2,
      better: "lower",
      unit: `MB with ${depth} waiting`,
      against: "as many events that match no webhook",
    }),
  };
}

/** Of a Worker that does nothing else: what earlier cases took would hide what this one takes. */
async function peakMegabytes(lab: Lab, events: "waiting" | "unmatched"): Promise<number> {
  const gateway = await Gateway.start();
  const load = { batch: 100, connections: 4, projects: 1, path: "/none", deliveries: 0 };
  await lab.publish({ ...load, events: warmUp }, gateway);
  if (events === "waiting") {
    await gateway.pause(await gateway.makeWebhook({ url: lab.receiverUrl("/ok/memory"), project: null }));
  }
  let peakBytes = 0;
  const sampling = setInterval(
    () => (peakBytes = Math.max(peakBytes, gateway.worker.memoryBytes())),
    sampleMs,
  );
  try {
    await lab.publish({ ...load, events: depth }, gateway);
  } finally {
    clearInterval(sampling);
    await gateway.worker.stop();
  }
  return peakBytes / 1e6;
}
