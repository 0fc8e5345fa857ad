/**
 * The WebSockets of a webhook's open pages. A message says only that something changed. They hibernate with the lane,
 * and need neither rows nor alarms.
 */

/** The close code of a lane whose webhook was deleted; `/live.js` knows it. */
const closedForGood = 4410;
/** The close code of a session's oldest socket when a newer one replaces it; `/live.js` knows it. */
const openedElsewhere = 4429;
/** The least time between two messages. */
const pauseMs = 250;
/** The most sockets of one webhook. */
const socketsMax = 100;
/** The most sockets of one session and webhook. */
const socketsPerSessionMax = 5;

/** The sockets of one lane. */
export class LiveUpdates {
  readonly #ctx: DurableObjectState;
  #saidAt = 0;
  #isToBeSaid = false;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /**
   * Opens a socket. It replaces the session's oldest one if the session has the most that it may.
   * @param session identifies the session of the page.
   * @returns the response to its request: 101, or 503 when there are too many sockets.
   */
  open(session: string): Response {
    if (this.#openSockets().length >= socketsMax) {
      return Response.json({ message: "Too many pages of this webhook are open." }, { status: 503 });
    }
    const own = this.#openSockets(session).toSorted((a, b) => openedAt(a) - openedAt(b));
    if (own.length >= socketsPerSessionMax) own[0]?.close(openedElsewhere, "Newer pages of yours are open.");
    // The platform answers heartbeats without waking the lane.
    this.#ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#ctx.acceptWebSocket(ours, [session]);
    ours.serializeAttachment(Date.now());
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Notifies the pages of a change: at once, or `pauseMs` after the last message. */
  changed(): void {
    if (this.#isToBeSaid || this.#ctx.getWebSockets().length === 0) return;
    const waitMs = Math.min(this.#saidAt + pauseMs - Date.now(), pauseMs);
    if (waitMs <= 0) return this.#say();
    this.#isToBeSaid = true;
    // The lane is awake anyway, so this short timer delays nothing.
    setTimeout(() => this.#say(), waitMs);
  }

  /** Closes all sockets, after the webhook was deleted. */
  close(): void {
    for (const socket of this.#ctx.getWebSockets()) socket.close(closedForGood, "The webhook was deleted.");
  }

  #say(): void {
    this.#isToBeSaid = false;
    this.#saidAt = Date.now();
    for (const socket of this.#openSockets()) socket.send("changed");
  }

  /** @param session only the sockets of this session. @returns the sockets that are not closing. */
  #openSockets(session?: string): WebSocket[] {
    const sockets = this.#ctx.getWebSockets(session);
    return sockets.filter(({ readyState }) => readyState === WebSocket.OPEN);
  }
}

/** @returns when the socket was opened, in ms. */
function openedAt(socket: WebSocket): number {
  return Number(socket.deserializeAttachment());
}
