/** The gateway under test: started, migrated, and called as its users call it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDirectory } from "../project-directory.ts";
import { relaySecret } from "./relay-secret.ts";
import { eventType, projectUuid } from "./sample-event.ts";
import { startWorker, type WorkerServer } from "./worker-server.ts";

const bindings = {
  API_TOKENS: "bench-token-of-the-gateway",
  ENCRYPTION_KEY: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  ORCHEST_INGEST_SECRET: "bench-ingest-secret",
  ALLOW_PRIVATE_TARGETS: "true",
};

/** What every request to the gateway carries. */
export const headers = { Authorization: "Bearer bench-token-of-the-gateway" };

const webhooksPath = "/api/notifications/subscribers/webhooks";
const migrations = join(projectDirectory, "migrations");

export class Gateway {
  readonly worker: WorkerServer;

  private constructor(worker: WorkerServer) {
    this.worker = worker;
  }

  /**
   * @param how.entry a file instead of `src/index.ts` that counts what the gateway does. @param how.relay where the egress
   * `bench` is.
   */
  static async start({ entry, relay }: { entry?: string; relay?: string } = {}): Promise<Gateway> {
    const config = "wrangler.toml";
    // For none by itself: the case's webhooks name it.
    const egress = { name: "bench", url: relay, secret: relaySecret, for: ["unverified"] };
    const settings = relay === undefined ? bindings : { ...bindings, EGRESS: JSON.stringify([egress]) };
    const worker = await startWorker(
      entry === undefined ? { config, bindings: settings } : { config, entry, bindings: settings },
    );
    const db = await worker.miniflare.getD1Database("DB");
    for (const file of readdirSync(migrations).toSorted()) {
      if (!file.endsWith(".sql")) continue;
      const statements = readFileSync(join(migrations, file), "utf8").split("--> statement-breakpoint");
      await db.batch(statements.map((statement) => db.prepare(statement)));
    }
    return new Gateway(worker);
  }

  get eventsUrl(): string {
    return `${this.worker.origin}/api/events`;
  }

  /**
   * Makes a webhook. @returns its uuid.
   * @param webhook.project the project that it subscribes to, by its place; null: all of them.
   */
  async makeWebhook(webhook: {
    url: string;
    project: number | null;
    settings?: Record<string, unknown>;
  }): Promise<string> {
    const { url, project, settings } = webhook;
    const limits = project === null ? {} : { project_uuid: projectUuid(project) };
    const { uuid } = (await this.call("POST", webhooksPath, {
      url,
      name: "bench",
      verify_ssl: false,
      secret: "bench-secret",
      content_type: "application/json",
      subscriptions: [{ event_type: eventType, ...limits }],
      ...settings,
    })) as { uuid: string };
    return uuid;
  }

  /** So many webhooks, each of its own project (from `firstProject` on) or, without, all of every project. */
  async makeWebhooks(
    count: number,
    { url, firstProject }: { url: string; firstProject?: number },
  ): Promise<string[]> {
    const uuids: string[] = [];
    for (let place = 0; place < count; place += 1) {
      const project = firstProject === undefined ? null : firstProject + place;
      uuids.push(await this.makeWebhook({ url, project }));
    }
    return uuids;
  }

  /** Changes the projects that a webhook subscribes to. */
  async subscribe(uuid: string, projects: readonly number[]): Promise<void> {
    const subscriptions = projects.map((project) => ({
      event_type: eventType,
      project_uuid: projectUuid(project),
    }));
    await this.call("PUT", `${webhooksPath}/${uuid}`, { subscriptions });
  }

  async removeWebhooks(uuids: readonly string[]): Promise<void> {
    for (const uuid of uuids) await this.call("DELETE", `/api/notifications/subscribers/${uuid}`);
  }

  /** Pauses, resumes, or asks for `stats` of one. */
  async pause(uuid: string): Promise<void> {
    await this.call("POST", `/api/notifications/subscribers/${uuid}/pause`);
  }

  async resume(uuid: string): Promise<void> {
    await this.call("POST", `/api/notifications/subscribers/${uuid}/resume`);
  }

  /**
   * Publishes events in one request. @param events their texts. @param more headers beside the usual ones.
   * @returns the answer, read to its end.
   */
  async publish(events: readonly string[], more: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.eventsUrl, {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json", ...more },
      body: events.length === 1 ? (events[0] ?? "") : `[${events.join(",")}]`,
    });
    await response.text();
    return response;
  }

  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.worker.origin + path, {
      method,
      headers: { ...headers, "Content-Type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}
