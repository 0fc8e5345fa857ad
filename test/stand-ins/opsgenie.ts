/** Opsgenie's Alert API (docs.opsgenie.com/docs/alert-api). Holds its open alerts. */
import { object, parseObject, refuse, type StandIn, string } from "./types";

/** @returns the service, and its open alerts: messages by alias. */
export function opsgenie(): { standIn: StandIn; alerts: Map<string, string> } {
  const alerts = new Map<string, string>();
  const accepted = { status: 202, body: '{"result":"Request will be processed","took":0.1,"requestId":"x"}' };
  const standIn: StandIn = ({ url, headers, body }) => {
    const { pathname, searchParams } = new URL(url);
    if (!headers.get("Authorization")?.startsWith("GenieKey "))
      return refuse(401, { message: "Could not authenticate" });
    const sent = headers.get("Content-Type") === "application/json" ? parseObject(body) : null;
    if (sent === null) return refuse(422, { message: "Request body is not processable" });
    const [, alias] = /\/v2\/alerts\/([^/]+)\/close$/.exec(pathname) ?? [];
    if (alias !== undefined) {
      if (searchParams.get("identifierType") !== "alias")
        return refuse(422, { message: "Invalid identifier" });
      alerts.delete(decodeURIComponent(alias));
      return { ...accepted, shown: null };
    }
    const { message, description, details, priority, source, entity } = sent;
    if (string(message) === "" || string(message).length > 130) return wrong("message");
    if (string(sent["alias"]).length > 512) return wrong("alias");
    if (string(description).length > 15_000) return wrong("description");
    if (!Object.values(object(details)).every((value) => typeof value === "string")) return wrong("details");
    if (JSON.stringify(details ?? {}).length > 8000) return wrong("details");
    if (!/^P[1-5]$/.test(string(priority))) return wrong("priority");
    if (string(source).length > 100 || string(entity).length > 512) return wrong("source");
    alerts.set(string(sent["alias"]), string(message));
    const text = [string(message), string(description)].join("\n");
    const links = Array.from(string(description).matchAll(/https?:\S+/g), ([one]) => ({
      url: one,
      text: one,
    }));
    return { ...accepted, shown: { text, notification: string(message), links, pings: [] } };
  };
  return { standIn, alerts };
}

function wrong(field: string): ReturnType<StandIn> {
  return refuse(422, { message: "Request body is not processable", errors: { [field]: "is not valid" } });
}
