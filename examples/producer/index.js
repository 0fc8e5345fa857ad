/** Publishes an event for each request: `curl -X POST http://127.0.0.1:8788/?name=Demo`. */
export default {
  /** @param {Request} request @param {{ EVENTS: Queue }} env */
  async fetch(request, env) {
    const name = new URL(request.url).searchParams.get("name") ?? "First project";
    const event = {
      // Made once: the queue may deliver a message twice, and a repeat is recognised by its uuid.
      uuid: crypto.randomUUID(),
      type: "project:created",
      timestamp: new Date().toISOString(),
      project: { uuid: crypto.randomUUID(), name },
    };
    // As text, which the gateway passes on character for character.
    await env.EVENTS.send(JSON.stringify(event), { contentType: "text" });
    return Response.json({ published: event.uuid }, { status: 202 });
  },
};
