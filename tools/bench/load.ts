/** A process of its own: the load generator. It publishes sample events, and says how long that took. */
import { Agent, request } from "node:http";
import { serveCalls } from "./process-calls.ts";
import { nowMs, sampleEvent } from "./sample-event.ts";

/** What to publish, and how. */
export type Load = {
  url: string;
  headers: Record<string, string>;
  events: number;
  /** Events per request. */
  batch: number;
  /** Requests at once; each connection waits for its answer before the next one. */
  connections: number;
  /** The events are about so many projects, in turn, starting with `firstProject`. */
  projects: number;
  firstProject?: number;
  /** And so many jobs of each. */
  jobs?: number;
  /** Requests begin at this rate, on as many connections as it takes; absent: as fast as they are answered. */
  requestsPerS?: number;
};

/** When the first request began and the last one was answered, in ms since 1970, and what each took. */
export type Loaded = { startedAtMs: number; endedAtMs: number; requestsMs: number[] };

export type LoadCalls = { publish(load: Load): Promise<Loaded> };

serveCalls({ publish } satisfies LoadCalls);

async function publish(load: Load): Promise<Loaded> {
  const agent = new Agent({ keepAlive: true, maxSockets: Math.max(load.connections, 256) });
  const requestsMs: number[] = [];
  let next = 0;
  const publishNext = async (): Promise<void> => {
    const first = next;
    next += load.batch;
    const startedMs = nowMs();
    await post(load, agent, bodyOf(load, first));
    requestsMs.push(nowMs() - startedMs);
  };
  const startedAtMs = nowMs();
  try {
    if (load.requestsPerS === undefined) {
      const connection = async (): Promise<void> => {
        while (next < load.events) await publishNext();
      };
      await Promise.all(Array.from({ length: load.connections }, connection));
    } else {
      await paced(load.requestsPerS, Math.ceil(load.events / load.batch), publishNext);
    }
  } finally {
    agent.destroy();
  }
  return { startedAtMs, endedAtMs: nowMs(), requestsMs };
}

/** Begins `count` times at a steady rate, whether or not the earlier ones have ended: a slow answer delays nobody. */
async function paced(perS: number, count: number, begin: () => Promise<void>): Promise<void> {
  const startedMs = nowMs();
  const begun: Promise<void>[] = [];
  while (begun.length < count) {
    const dueMs = startedMs + (begun.length * 1000) / perS;
    if (nowMs() < dueMs) await new Promise((resolve) => setTimeout(resolve, dueMs - nowMs()));
    begun.push(begin());
  }
  await Promise.all(begun);
}

function bodyOf(load: Load, first: number): string {
  const { batch, events, projects, firstProject = 0, jobs = 1 } = load;
  const texts = Array.from({ length: Math.min(batch, events - first) }, (_, place) => {
    const number = first + place;
    const project = firstProject + (number % projects);
    return sampleEvent({ project, job: Math.floor(number / projects) % jobs, sentAtMs: nowMs() });
  });
  return batch === 1 ? (texts[0] ?? "") : `[${texts.join(",")}]`;
}

function post(load: Load, agent: Agent, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      ...load.headers,
    };
    const sent = request(load.url, { method: "POST", agent, headers }, (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (answer += chunk));
      response.on("end", () => {
        const { statusCode = 0 } = response;
        if (statusCode < 300) resolve();
        else reject(new Error(`${load.url} answered ${statusCode}: ${answer.slice(0, 300)}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
