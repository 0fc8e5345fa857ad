/** What must not happen on any page, whatever is done there. */
import type { BrowserContext } from "playwright-core";
import { expect } from "vitest";

/** Sees each fault of any page of a context from the moment when it is made: before the first page. */
export class FaultWatch {
  readonly #origin: string;
  readonly #faults = new Set<string>();
  #documents = 0;

  /** @param origin the site's. */
  constructor(context: BrowserContext, origin: string) {
    this.#origin = origin;
    context.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      // What the reader of the API tells its own developers.
      if (message.type() === "warning" && message.location().url.includes("/elements/")) return;
      // What was answered is looked at below: a refused form is no fault.
      if (message.text().startsWith("Failed to load resource")) return;
      this.#faults.add(`The console says: ${message.text()}`);
    });
    context.on("weberror", (error) => this.#faults.add(`A script failed: ${error.error().message}`));
    context.on("request", (request) => this.#look(request.url()));
    context.on("response", (response) => {
      const type = response.request().resourceType();
      if (type === "document") this.#documents += 1;
      const isFault = response.status() >= (type === "document" || type === "fetch" ? 500 : 400);
      if (isFault) this.#faults.add(`${response.status()} for ${response.url()}`);
    });
  }

  /** Fails if there was a fault since the last call, or nothing that could have had one. */
  expectNone(): void {
    const [faults, documents] = [[...this.#faults], this.#documents];
    this.#faults.clear();
    this.#documents = 0;
    expect(faults).toEqual([]);
    expect(documents).toBeGreaterThan(0);
  }

  #look(requested: string): void {
    const url = new URL(requested);
    if (url.origin !== this.#origin && url.protocol !== "data:")
      this.#faults.add(`A request to ${url.origin}`);
  }
}
