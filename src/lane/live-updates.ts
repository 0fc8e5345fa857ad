/**
 * The open pages of a lane's webhook: WebSockets that are told that something changed, and nothing else. They hibernate
 * with the lane, and cost it neither rows nor alarms.
 */

/** The code with which a lane that is closed for good ends its sockets; `/live.js` knows it. */
const closedForGood = 4410;
/** The code with which a session's oldest socket makes room for its newest; `/live.js` knows it, too. */
const openedElsewhere = 4429;
/** How long to wait between two messages. */
const pauseMs = 250;
/** How many sockets all pages of one webhook may have. */
const socketsMax = 100;
/** How many pages of one webhook a session may have open. */
const socketsPerSessionMax = 5;

export class LiveUpdates {
  readonly #ctx: DurableObjectState;
  #saidAt = 0;
  #isToBeSaid = false;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /**
   * Opens a socket. It replaces the session's oldest one where the session has as many as it may.
   * @param session tells whose it is.
   * @returns the answer to its request: 101, or 503 when there are too many.
   */
  open(session: string): Response {
    if (this.#openSockets().length >= socketsMax) {
      return Response.json({ message: "Too many pages of this webhook are open." }, { status: 503 });
    }
    const own = this.#openSockets(session).toSorted((a, b) => openedAt(a) - openedAt(b));
    if (own.length >= socketsPerSessionMax) own[0]?.close(openedElsewhere, "Newer pages of yours are open.");
    // Signs of life are answered without waking the lane.
    this.#ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours, [session]);
    ours.serializeAttachment(Date.now());
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Tells the pages that something changed: at once, or `pauseMs` after the last message. */
  changed(): void {
    if (this.#isToBeSaid || this.#ctx.getWebSockets().length === 0) return;
    const waitMs = Math.min(this.#saidAt + pauseMs - Date.now(), pauseMs);
    if (waitMs <= 0) return this.#say();
    this.#isToBeSaid = true;
    // The lane is awake anyway, so this short timer delays nothing.
    setTimeout(() => this.#say(), waitMs);
  }

  /** Closes all sockets: the webhook was deleted. */
  close(): void {
    for (const socket of this.#ctx.getWebSockets()) socket.close(closedForGood, "The webhook was deleted.");
  }

  #say(): void {
    this.#isToBeSaid = false;
    this.#saidAt = Date.now();
    for (const socket of this.#openSockets()) socket.send("changed");
  }

  /** One that is closing cannot take anything, and need not. @param session only its own. */
  #openSockets(session?: string): WebSocket[] {
    const sockets = this.#ctx.getWebSockets(session);
    return sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
  }
}

/** In ms, as it was noted when the socket came. */
function openedAt(socket: WebSocket): number {
  return Number(socket.deserializeAttachment());
}
