/** What a person sees of a message: read from the very message that is sent, so that a preview cannot promise more. */
import type { BuiltMessage } from "./build-message";
import { formatNames, type ServiceFormat } from "./formats";

/** The same shape for every service. Texts are plain: escapes of the service are undone. */
export type Preview = {
  service: string;
  /** What a phone shows before the message is opened. */
  notification: string;
  title: string;
  /** What stands below the title; may be empty. */
  text: string;
  /** `#rrggbb`, where the service shows a colour. */
  color: string | null;
  /** An emoji, where the service shows one. */
  icon: string | null;
  fields: { label: string; value: string }[];
  link: { label: string; url: string } | null;
  /** A small last line, such as the time; may be empty. */
  footer: string;
  /** What the message does beyond being shown, such as resolving an incident; null: nothing. */
  effect: string | null;
  /** Members of the body that the service does not show. */
  notShown: string[];
};

/** @returns null for formats that no person reads: `orchest`, `cloudevents`, `template`. */
export function previewOf(format: ServiceFormat, message: BuiltMessage): Preview | null {
  if (format === "orchest" || format === "cloudevents" || format === "template") return null;
  const body = JSON.parse(message.body) as Record<string, unknown>;
  const text = String(body["text"] ?? body["content"] ?? "");
  return {
    service: formatNames[format],
    notification: text,
    title: text,
    text: "",
    color: null,
    icon: null,
    fields: [],
    link: null,
    footer: "",
    effect: null,
    notShown: Object.keys(body).filter((name) => name !== "text" && name !== "content"),
  };
}
