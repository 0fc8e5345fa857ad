/** PagerDuty's Events API v2 (developer.pagerduty.com, "Send an event to PagerDuty"). Holds its open incidents. */
import { object, objects, parseObject, refuse, type StandIn, string } from "./types";

const bytesMax = 512 * 1024;

/** @returns the service, and its open incidents: summaries by key. */
export function pagerduty(): { standIn: StandIn; incidents: Map<string, string> } {
  const incidents = new Map<string, string>();
  const standIn: StandIn = ({ headers, body }) => {
    if (!headers.get("Content-Type")?.startsWith("application/json")) return invalid("content type");
    if (new TextEncoder().encode(body).length > bytesMax) return refuse(413, "");
    const event = parseObject(body);
    if (event === null) return invalid("Event object is invalid");
    if (!/^\w{32}$/.test(string(event["routing_key"]))) return invalid("Invalid routing key");
    const key = string(event["dedup_key"]);
    if (key.length > 255) return invalid("'dedup_key' is too long (maximum is 255 characters)");
    const accepted = {
      status: 202,
      body: JSON.stringify({ status: "success", message: "Event processed", dedup_key: key }),
    };
    if (event["event_action"] === "resolve") {
      if (key === "") return invalid("'dedup_key' is missing or blank");
      incidents.delete(key);
      return { ...accepted, shown: null };
    }
    if (event["event_action"] !== "trigger") return invalid("'event_action' is invalid");
    const { summary, source, severity, timestamp, custom_details } = object(event["payload"]);
    if (string(summary) === "" || string(summary).length > 1024)
      return invalid("'payload.summary' is missing or blank");
    if (string(source) === "") return invalid("'payload.source' is missing or blank");
    if (!["critical", "error", "warning", "info"].includes(string(severity)))
      return invalid("'payload.severity' is invalid");
    if (timestamp !== undefined && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(string(timestamp)))
      return invalid("'payload.timestamp' is invalid");
    incidents.set(key, string(summary));
    const links = objects(event["links"]).map(({ href, text }) => ({
      url: string(href),
      text: string(text),
    }));
    const details = Object.entries(object(custom_details)).map(
      ([label, value]) => `${label}: ${string(value)}`,
    );
    const text = [string(summary), ...details].join("\n");
    return { ...accepted, shown: { text, notification: string(summary), links, pings: [] } };
  };
  return { standIn, incidents };
}

function invalid(error: string): ReturnType<StandIn> {
  return refuse(400, { status: "invalid event", message: "Event object is invalid", errors: [error] });
}
