/**
 * Keeps parts of a page up to date by requesting the page again:
 * - while an element with `data-poll="id id …"` exists: those parts, each second;
 * - for an element with `data-live="/path"` and `data-parts="id id …"`: those parts, whenever the WebSocket at that path
 *   signals a change. The element is visible while connected.
 */
import { askForPage, takeParts } from "./parts.js";

const shortestMs = 1000;
const longestMs = 30_000;
/** Relative times change even when nothing else does. */
const relativeTimesMs = 60_000;
/** The interval of heartbeats. */
const heartbeatMs = 20_000;
/** The close code for a deleted webhook. */
const closedForGood = 4410;
/** The close code when the same session has too many newer connections. */
const openedElsewhere = 4429;

/** Exponential back-off with jitter, so that open pages do not retry at the same moment. */
function backOff(failures) {
  return failures === 0
    ? shortestMs
    : Math.min(shortestMs * 2 ** failures, longestMs) * (0.5 + Math.random());
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until the page becomes visible. */
function shownAgain() {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", function look() {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    });
  });
}

/** Requests this page and replaces the parts. @returns whether that succeeded. */
async function refresh(ids) {
  try {
    // Marks the request as a refresh: one-time messages stay for the visit.
    const { page, isOk } = await askForPage(location.href, { headers: { "X-Live": "1" } });
    if (!isOk) return false;
    // It is another page now, such as the sign-in.
    if (!takeParts(page, ids, { keepsInput: true })) location.reload();
    return true;
  } catch {
    return false;
  }
}

async function poll() {
  for (let failures = 0; ;) {
    await wait(backOff(failures));
    const ids = document.querySelector("[data-poll]")?.dataset.poll.split(" ");
    if (ids === undefined || document.hidden) continue;
    failures = (await refresh(ids)) ? 0 : failures + 1;
  }
}

/** @returns a function that marks the parts as stale: they are refreshed immediately, at most once a second. */
function keepFresh(ids) {
  let isStale = false;
  let isRunning = false;
  document.addEventListener("visibilitychange", run);
  return () => {
    isStale = true;
    void run();
  };

  async function run() {
    if (isRunning) return;
    isRunning = true;
    for (let failures = 0; isStale && !document.hidden;) {
      isStale = false;
      failures = (await refresh(ids)) ? 0 : failures + 1;
      if (failures > 0) isStale = true;
      await wait(backOff(failures));
    }
    isRunning = false;
  }
}

function listen(indicator) {
  const isStale = keepFresh(indicator.dataset.parts.split(" "));
  let failures = 0;
  setInterval(isStale, relativeTimesMs);
  connect();

  function connect() {
    const socket = new WebSocket(location.origin.replace("http", "ws") + indicator.dataset.live);
    let isAlive = true;
    const heartbeat = setInterval(() => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (!isAlive) return socket.close();
      isAlive = false;
      socket.send("ping");
    }, heartbeatMs);
    socket.addEventListener("open", () => {
      failures = 0;
      indicator.hidden = false;
      // Catches up with changes while not connected.
      isStale();
    });
    socket.addEventListener("message", ({ data }) => {
      isAlive = true;
      if (data === "changed") isStale();
    });
    socket.addEventListener("close", async ({ code }) => {
      clearInterval(heartbeat);
      indicator.hidden = true;
      if (code === closedForGood) return location.reload();
      failures += 1;
      // Reconnecting immediately would close a connection of another page.
      await (code === openedElsewhere ? shownAgain() : wait(backOff(failures)));
      connect();
    });
  }
}

void poll();
for (const indicator of document.querySelectorAll("[data-live]")) listen(indicator);
