/* Events of a page: regulars("https://events.shop.example", "rgl_…") gives {track, identify, page}. */
function regulars(url, key) {
  "use strict";
  const NAME = "regulars", MOST = 1000, waiting = [];
  const newId = () => crypto.randomUUID();
  const store = {
    get() { try { return JSON.parse(localStorage.getItem(NAME)) || {}; } catch { return {}; } },
    set(said) { try { localStorage.setItem(NAME, JSON.stringify({ ...store.get(), ...said })); } catch { /* forbidden */ } },
  };
  const anonymousId = store.get().anonymousId || newId();
  store.set({ anonymousId });
  let timer = 0, tries = 0, sending = false;

  function add(call) {
    if (waiting.length >= MOST) waiting.shift();
    waiting.push({
      messageId: newId(), timestamp: new Date().toISOString(), anonymousId, userId: store.get().userId,
      context: { locale: navigator.language, page: { path: location.pathname, referrer: document.referrer } }, ...call,
    });
    if (!timer) timer = setTimeout(flush, 500);
  }

  /* As text, so that no page has to ask first whether it may (CORS). What is not taken is sent again, with its id. */
  async function flush() {
    timer = 0;
    if (sending || !waiting.length) return;
    sending = true;
    const batch = waiting.splice(0, 30);
    const body = JSON.stringify({ batch, writeKey: key, sentAt: new Date().toISOString() });
    let again = true, wait = Math.min(1000 * 2 ** tries, 60000);
    try {
      const answer = await fetch(url + "/v1/batch", { method: "POST", body, keepalive: true, credentials: "omit" });
      again = [408, 429, 500, 502, 503, 504, 507].includes(answer.status);
      wait = 1000 * answer.headers.get("retry-after") || wait;
    } catch { /* away */ }
    sending = false;
    tries = again ? tries + 1 : 0;
    if (again) waiting.unshift(...batch);
    if (waiting.length) timer = setTimeout(flush, again ? wait : 0);
  }

  addEventListener("pagehide", flush);
  return {
    track: (event, properties = {}) => add({ type: "track", event, properties }),
    identify: (userId, traits = {}) => { store.set({ userId }); add({ type: "identify", userId, traits }); },
    page: (name = document.title, properties = {}) => add({ type: "page", name, properties }),
  };
}
