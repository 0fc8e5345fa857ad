import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeWebhook, readWebhook } from "../../api";
import { captureLog, receiver } from "../../receiver";
import { fieldsOf } from "../form";
import { get, post } from "../page";
import { writer } from "./people";

const secret = "0123456789abcdef0123456789abcdef";
const selfSigned = { url: "https://hooks.example.com/", verify_ssl: false };

beforeEach(() => {
  receiver();
  env.EGRESS = JSON.stringify([
    { name: "corp", secret, for: ["private"] },
    { name: "lax", secret, for: ["unverified"] },
  ]);
});
afterEach(() => void delete env.EGRESS);

describe("the form of a webhook", () => {
  it("offers the egresses that there are, and nothing where there are none", async () => {
    const cookie = await writer();
    const { html } = await get("/webhooks/new", cookie);
    expect(html.match(/<option value="(corp|lax|direct)?"/g)).toHaveLength(4);
    delete env.EGRESS;
    expect((await get("/webhooks/new", cookie)).html).not.toContain('name="egress"');
  });

  it("makes a webhook that is not verified, and says why it cannot without an egress for it", async () => {
    const cookie = await writer();
    const fields = await fieldsOf((await get("/webhooks/new", cookie)).html, "webhook-form");
    fields.set("url", selfSigned.url);
    fields.set("egress", "corp");
    fields.delete("verify_ssl");
    const save = async () =>
      post("/webhooks/new", new URLSearchParams([...fields, ["intent", "save"]]), { cookie });
    const refused = await save();
    expect(refused.status).toBe(400);
    expect(refused.html).toContain("to the setting EGRESS.");
    fields.set("egress", "lax");
    const made = await save();
    expect(made.status).toBe(303);
    const webhook = await readWebhook(made.headers.get("Location")?.split("/").at(-1) ?? "");
    expect(webhook).toMatchObject({ verify_ssl: false, egress: "lax" });
  });

  it("keeps an egress that the deployment has no more, until somebody chooses another one", async () => {
    const { uuid } = await makeWebhook({ ...selfSigned, egress: "lax" });
    delete env.EGRESS;
    const { html } = await get(`/webhooks/${uuid}/edit`, await writer());
    expect(html).toContain('<option value="lax" selected');
  });
});

describe("the page of a webhook", () => {
  it("says through which egress its deliveries go, or why they do not", async () => {
    const cookie = await writer();
    const { uuid } = await makeWebhook(selfSigned);
    const { uuid: plain } = await makeWebhook({});
    expect((await get(`/webhooks/${uuid}`, cookie)).html).toContain("Sent through “lax”");
    expect((await get(`/webhooks/${plain}`, cookie)).html).not.toContain("<dt>Egress");
    delete env.EGRESS;
    expect((await get(`/webhooks/${uuid}`, cookie)).html).toContain(
      "Not delivered: The certificate check must be true",
    );
  });

  it("shows no secret of an egress", async () => {
    const { logged } = captureLog();
    const { uuid } = await makeWebhook(selfSigned);
    const cookie = await writer();
    for (const path of [`/webhooks/${uuid}`, `/webhooks/${uuid}/edit`, "/"]) {
      expect((await get(path, cookie)).html).not.toContain(secret);
    }
    expect(logged()).not.toContain(secret);
  });
});
