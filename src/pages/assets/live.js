/**
 * Keeps parts of a page up to date, by asking for the page again:
 * - while an element with `data-poll="id id …"` is there: each second, those parts;
 * - with an element that has `data-live="/path"` and `data-parts="id id …"`: those parts, as soon as the WebSocket at
 *   that path says that something changed. The element is shown while that connection stands.
 */
import { askForPage, takeParts } from "./parts.js";

const shortestMs = 1000;
const longestMs = 30_000;
/** Times are relative: they go on also where nothing else does. */
const agesMs = 60_000;
/** How often a connection is asked for a sign of life. */
const heartbeatMs = 20_000;
/** The lane's word that its webhook is gone. */
const closedForGood = 4410;
/** Its word that as many newer pages are open as somebody may have. */
const openedElsewhere = 4429;

/** How long to wait after so many failures in a row: not all open pages at the same moment. */
function backOff(failures) {
  return failures === 0
    ? shortestMs
    : Math.min(shortestMs * 2 ** failures, longestMs) * (0.5 + Math.random());
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until somebody turns to this page. */
function shownAgain() {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", function look() {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    });
  });
}

/** Asks for this page and takes the parts over. @returns whether that worked. */
async function isTaken(ids) {
  try {
    // Not as a visit: what the page would say once is left for the visit.
    const { page, isOk } = await askForPage(location.href, { headers: { "X-Live": "1" } });
    if (!isOk) return false;
    // It has become another page: the sign-in, for example.
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
    failures = (await isTaken(ids)) ? 0 : failures + 1;
  }
}

/** @returns what says that the parts are out of date: they are taken over at once, and at most once a second. */
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
      failures = (await isTaken(ids)) ? 0 : failures + 1;
      if (failures > 0) isStale = true;
      await wait(backOff(failures));
    }
    isRunning = false;
  }
}

function listen(indicator) {
  const isStale = keepFresh(indicator.dataset.parts.split(" "));
  let failures = 0;
  setInterval(isStale, agesMs);
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
      // What changed while nobody listened.
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
      // Reconnecting at once would only close another one.
      await (code === openedElsewhere ? shownAgain() : wait(backOff(failures)));
      connect();
    });
  }
}

void poll();
for (const indicator of document.querySelectorAll("[data-live]")) listen(indicator);
