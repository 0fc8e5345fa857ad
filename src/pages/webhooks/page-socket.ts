/** The Worker's place between a page's WebSocket and its lane: what a page sends is looked at before it reaches the lane. */

/** All that a page may send: its sign of life, ten at once and one a second from then on. */
const signOfLife = "ping";
const signsAtOnceMax = 10;
/** How long the last frame may take to leave, after what must not be sent. */
const refusalMs = 100;
/** How long a page may take to close its side, too. */
const farewellMs = 5000;
/** From here on codes are the lane's own, and passed on. Others are the network's, which nobody may send. */
const ownCodesFrom = 4000;
/** "Service restart": the page opens another one. */
const laneIsLost = 1012;

/**
 * Joins a page's socket to the lane's, until either of them ends.
 * @param lane the socket that the lane answered with, not accepted yet.
 * @param ctx the request's own. It is aborted when the page does not close its side, or goes on sending: workerd reads
 *   on after `close()` for as long as the other side sends.
 * @returns the page's end, to be answered with.
 */
export function joinPage(lane: WebSocket, ctx: ExecutionContext): WebSocket {
  const { 0: theirs, 1: page } = new WebSocketPair();
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
  const openedAt = Date.now();
  let signs = 0;
  let isEnding = false;
  let isAborted = false;
  lane.accept();
  page.accept();

  lane.addEventListener("message", ({ data }) => {
    if (!isEnding) page.send(data);
  });
  lane.addEventListener("close", ({ code, reason }) => {
    if (code >= ownCodesFrom) end({ code, reason, withinMs: farewellMs });
    else end({ code: laneIsLost, reason: "Open it again.", withinMs: farewellMs });
  });
  page.addEventListener("message", ({ data }) => {
    if (isEnding) return abort();
    signs += 1;
    const isTooSoon = signs > signsAtOnceMax + (Date.now() - openedAt) / 1000;
    if (data === signOfLife && !isTooSoon) lane.send(signOfLife);
    else end({ code: 1008, reason: "Nothing is taken here.", withinMs: refusalMs });
  });
  page.addEventListener("close", letGo);
  page.addEventListener("error", letGo);
  return theirs;

  /** The page has closed its side, or its connection is cut. */
  function letGo(): void {
    isEnding = true;
    leave();
    if (lane.readyState === WebSocket.OPEN) lane.close(1000);
  }

  function end({ code, reason, withinMs }: { code: number; reason: string; withinMs: number }): void {
    if (isEnding) return;
    isEnding = true;
    page.close(code, reason);
    if (lane.readyState === WebSocket.OPEN) lane.close(1000);
    ctx.waitUntil(abortUnlessGone(withinMs));
  }

  async function abortUnlessGone(withinMs: number): Promise<void> {
    const isGone = await Promise.race([gone.then(() => true), scheduler.wait(withinMs)]);
    if (isGone !== true) abort();
  }

  /** Throws, too: what called it is over. */
  function abort(): void {
    if (isAborted) return;
    isAborted = true;
    ctx.abort("A page's socket was ended by force: the page did not close it.");
  }
}
