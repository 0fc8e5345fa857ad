/**
 * The open pages of a lane's webhook: WebSockets that hear that something changed, and nothing else. They hibernate
 * with the lane, and cost it neither rows nor alarms.
 */

/** The code with which a lane that is closed for good ends its sockets; `/live.js` knows it. */
const closedForGood = 4410;
/** At most so often in a row. */
const pauseMs = 250;
/** One page is one socket: more are nobody's. */
const socketsMax = 100;

export class Live {
  readonly #ctx: DurableObjectState;
  #saidAt = 0;
  #isToBeSaid = false;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Takes a socket in. @returns the answer to its request: 101, or 503 when there are too many. */
  open(): Response {
    if (this.#ctx.getWebSockets().length >= socketsMax) {
      return Response.json({ message: "Too many pages of this webhook are open." }, { status: 503 });
    }
    // Signs of life are answered without waking the lane.
    this.#ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Says that something changed: at once, or a moment after the last time. */
  changed(): void {
    if (this.#isToBeSaid || this.#ctx.getWebSockets().length === 0) return;
    const waitMs = Math.min(this.#saidAt + pauseMs - Date.now(), pauseMs);
    if (waitMs <= 0) return this.#say();
    this.#isToBeSaid = true;
    // The lane has just worked: so short a wait keeps it from nothing.
    setTimeout(() => this.#say(), waitMs);
  }

  /** Ends all sockets: there is nothing to hear any more. */
  close(): void {
    for (const socket of this.#ctx.getWebSockets()) socket.close(closedForGood, "The webhook was deleted.");
  }

  #say(): void {
    this.#isToBeSaid = false;
    this.#saidAt = Date.now();
    for (const socket of this.#ctx.getWebSockets()) {
      // One that is closing cannot take it, and need not.
      if (socket.readyState === WebSocket.OPEN) socket.send("changed");
    }
  }
}
