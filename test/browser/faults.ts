/** What must not happen on any page, whatever is done there. */
import type { BrowserContext } from "playwright-core";

/** @returns a list that grows with each fault of any page of `context`. @param origin the site's. */
export function watchFaults(context: BrowserContext, origin: string): string[] {
  const faults: string[] = [];
  const add = (fault: string) => {
    if (!faults.includes(fault)) faults.push(fault);
  };
  context.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    // What was answered is looked at below: a refused form is no fault.
    if (message.text().startsWith("Failed to load resource")) return;
    add(`The console says: ${message.text()}`);
  });
  context.on("weberror", (error) => add(`A script failed: ${error.error().message}`));
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:") add(`A request to ${url.origin}`);
  });
  context.on("response", (response) => {
    const type = response.request().resourceType();
    const isFault = response.status() >= (type === "document" || type === "fetch" ? 500 : 400);
    if (isFault) add(`${response.status()} for ${response.url()}`);
  });
  return faults;
}
