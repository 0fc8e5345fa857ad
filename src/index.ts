export default { fetch: () => new Response("x") };
import { DurableObject } from "cloudflare:workers";
export class WebhookLane extends DurableObject {}
