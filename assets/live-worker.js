/* The one connection of this browser to the server's event stream, for all its tabs.

   Browsers open six connections to a host over HTTP/1.1; a stream in each tab would leave the
   seventh without a page.  Run as a SharedWorker; where there is none, each tab runs it as a
   worker of its own and lets go while it is hidden.

   Tabs are told [kind, text]: the events of GET /live as they are, and "connection" with
   "open", "lost" or "ended".  Tabs say "join", "leave". */

"use strict";

const KINDS = ["reading", "presence", "command", "refused", "device", "gap", "system"];
const SILENCE_MS = 40_000; // the server says something every 15 s
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

const tabs = new Set();
let source = null;
let connection = "lost";
let lastId = "";
let failures = 0;
let retry = 0;
let watchdog = 0;

function tell(kind, text) {
  for (const tab of tabs) {
    tab.postMessage([kind, text]);
  }
}

function become(state) {
  if (state !== connection) {
    connection = state;
    tell("connection", state);
  }
}

function open() {
  clearTimeout(retry);
  source?.close();
  source = new EventSource(lastId ? `/live?last=${lastId}` : "/live");
  source.onopen = heard;
  source.onerror = failed;
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      heard(event);
      tell(kind, event.data);
    });
  }
  source.addEventListener("beat", heard);
  source.addEventListener("hello", (event) => {
    heard(event);
    failures = 0;
    become("open");
    tell("hello", event.data);
  });
  source.addEventListener("bye", (event) => {
    close();
    const { why } = JSON.parse(event.data);
    if (why === "session") {
      ended();
    } else {
      become("lost");
      later();
    }
  });
}

/** Note that the stream lives; should it fall silent, the network has gone without a word. */
function heard(event) {
  lastId = event.lastEventId || lastId;
  clearTimeout(watchdog);
  watchdog = setTimeout(() => {
    become("lost");
    open();
  }, SILENCE_MS);
}

function close() {
  clearTimeout(retry);
  clearTimeout(watchdog);
  source?.close();
  source = null;
}

/** The browser comes back by itself after a break, but gives up on any answer but 200. */
function failed() {
  become("lost");
  if (source.readyState === EventSource.CLOSED) {
    close();
    findOut();
  }
}

async function findOut() {
  let status = 0;
  try {
    const answer = await fetch("/live/ping", { headers: { "X-Background": "1" } });
    status = answer.status;
  } catch {
    // no network or no server: the same as a refused stream
  }
  if (status === 401) {
    ended();
  } else {
    later();
  }
}

function later() {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
  failures += 1;
  clearTimeout(retry);
  retry = setTimeout(open, wait * (0.5 + Math.random() / 2));
}

function ended() {
  close();
  lastId = "";
  become("ended");
}

function join(tab) {
  tabs.add(tab);
  if (connection === "ended") {
    connection = "lost"; // a page that is shown has a session again
  }
  tab.postMessage(["connection", connection]);
  if (!source) {
    open();
  }
}

function leave(tab) {
  tabs.delete(tab);
  if (!tabs.size) {
    close();
    connection = "lost";
  }
}

function serve(tab) {
  tab.onmessage = ({ data }) => (data === "join" ? join(tab) : leave(tab));
  tab.addEventListener?.("close", () => leave(tab));
  tab.start?.();
}

self.addEventListener("online", () => {
  if (tabs.size && connection === "lost") {
    failures = 0;
    open();
  }
});

if ("SharedWorkerGlobalScope" in self) {
  self.onconnect = (event) => serve(event.ports[0]);
} else {
  serve(self);
}
