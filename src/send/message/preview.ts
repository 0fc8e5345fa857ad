/** What a person sees of a message: read from the very message that is sent, so that a preview cannot promise more. */
import type { BuiltMessage } from "./build-message";
import { isFields } from "./event-fields";
import { formatNames, type ServiceFormat } from "./formats";
import { bodyReaders, type Read, readNtfy } from "./read-message";

/** The same shape for every service. Texts are plain: escapes of the service are undone. */
export type Preview = Read & {
  service: string;
  /** Members of the body that the service does not show. */
  notShown: string[];
};

/** @returns null for formats that no person reads: `orchest`, `cloudevents`, `template`. */
export function previewOf(format: ServiceFormat, message: BuiltMessage): Preview | null {
  if (format === "orchest" || format === "cloudevents" || format === "template") return null;
  const service = formatNames[format];
  if (format === "ntfy") return { service, ...readNtfy(message), notShown: [] };
  const parsed: unknown = JSON.parse(message.body);
  const body = isFields(parsed) ? parsed : {};
  const notShown = ["delivered_for", "event"].filter((name) => name in body);
  return { service, ...bodyReaders[format](body, message), notShown };
}
