/** Relays a page's WebSocket to its lane, and checks what the page sends before it reaches the lane. */

/** The only message that a page may send: 10 at first, then one per second. */
const heartbeat = "ping";
const heartbeatBurstMax = 10;
/** How long the close frame may take to leave after an invalid message. */
const invalidCloseMs = 100;
/** How long a page may take to close its side. */
const closeTimeoutMs = 5000;
/**
 * Close codes from 4000 are the lane's own and are passed on. Some of the lower ones must not be sent (RFC 6455, 7.4).
 */
const applicationCodesFrom = 4000;
/** "Service Restart": the page reconnects. */
const serviceRestart = 1012;

/**
 * Joins a page's socket to the lane's until one of them closes.
 * @param lane the socket of the lane's response, not accepted yet.
 * @param ctx of the request. It is aborted when the page does not close its side or keeps sending: after `close()`,
 *   workerd reads for as long as the other side sends.
 * @returns the socket for the response to the page.
 */
export function relaySocket(lane: WebSocket, ctx: ExecutionContext): WebSocket {
  const { 0: client, 1: page } = new WebSocketPair();
  const { promise: closed, resolve: setClosed } = Promise.withResolvers<void>();
  const openedAt = Date.now();
  let heartbeats = 0;
  let isEnding = false;
  let isAborted = false;
  lane.accept();
  page.accept();

  lane.addEventListener("message", ({ data }) => {
    if (!isEnding) page.send(data);
  });
  lane.addEventListener("close", ({ code, reason }) => {
    if (code >= applicationCodesFrom) end({ code, reason, withinMs: closeTimeoutMs });
    else end({ code: serviceRestart, reason: "Reconnect.", withinMs: closeTimeoutMs });
  });
  page.addEventListener("message", ({ data }) => {
    if (isEnding) return abort();
    heartbeats += 1;
    const isTooSoon = heartbeats > heartbeatBurstMax + (Date.now() - openedAt) / 1000;
    if (data === heartbeat && !isTooSoon) lane.send(heartbeat);
    else end({ code: 1008, reason: "Only heartbeats are accepted.", withinMs: invalidCloseMs });
  });
  page.addEventListener("close", pageClosed);
  page.addEventListener("error", pageClosed);
  return client;

  /** The page closed its side, or the connection was lost. */
  function pageClosed(): void {
    isEnding = true;
    setClosed();
    if (lane.readyState === WebSocket.OPEN) lane.close(1000);
  }

  function end({ code, reason, withinMs }: { code: number; reason: string; withinMs: number }): void {
    if (isEnding) return;
    isEnding = true;
    page.close(code, reason);
    if (lane.readyState === WebSocket.OPEN) lane.close(1000);
    ctx.waitUntil(abortUnlessClosed(withinMs));
  }

  async function abortUnlessClosed(withinMs: number): Promise<void> {
    const isClosed = await Promise.race([closed.then(() => true), scheduler.wait(withinMs)]);
    if (isClosed !== true) abort();
  }

  /** Ends the request: `ctx.abort()` also throws in the caller. */
  function abort(): void {
    if (isAborted) return;
    isAborted = true;
    ctx.abort("A page's socket was aborted: the page did not close it.");
  }
}
