/* A chat with support in a page: <script defer src="https://api.shop.example/support.js" data-key="rgl_…"></script>
   Of a key with the scope support and the page's origin. data-language: en or zh, else the page's own.
   data-conversation: one that the shop's server has opened for who is signed in. */
(() => {
  "use strict";
  const here = document.currentScript, base = new URL(here.src).origin, { key, conversation: opened } = here.dataset;
  const language = (here.dataset.language || document.documentElement.lang || navigator.language).toLowerCase().startsWith("zh") ? "zh" : "en";
  const WORDS = {
    en: {
      open: "Chat with support", title: "Support", close: "Close", log: "Messages", write: "Your message", send: "Send",
      ai: "An AI answers. You can ask for a person at any time.", waiting: "Writing…", yes: "Yes", no: "No",
      you: "You", by_ai: "AI assistant", person: "Support", sources: "From: ",
      failed: "This did not arrive. Please try again in a moment.",
    },
    zh: {
      open: "联系客服", title: "客服", close: "关闭", log: "对话", write: "您的消息", send: "发送",
      ai: "由 AI 回答。您可以随时要求人工客服。", waiting: "正在输入…", yes: "是", no: "否",
      you: "您", by_ai: "AI 助手", person: "人工客服", sources: "来源：",
      failed: "没有送达，请稍后再试。",
    },
  }[language];
  const STYLE = `
    :host { all: initial; position: fixed; right: 16px; bottom: 16px; z-index: 2147483000; font: 16px/1.45 system-ui, sans-serif; color-scheme: light dark;
      --text: light-dark(#1b1b1b, #f2f2f2); --page: light-dark(#fff, #1d1f21); --own: light-dark(#e3edf9, #20364f); --line: light-dark(#767676, #8f8f8f); --deep: #1d5199; }
    * { box-sizing: border-box; font: inherit; }
    button { padding: 8px 14px; border: 1px solid var(--deep); border-radius: 6px; background: var(--deep); color: #fff; cursor: pointer; }
    :focus-visible { outline: 3px solid light-dark(#1d5199, #9cc3f5); outline-offset: 2px; }
    section { display: flex; flex-direction: column; width: min(370px, calc(100vw - 32px)); height: min(560px, calc(100vh - 32px)); border: 1px solid var(--line); border-radius: 10px; background: var(--page); color: var(--text); overflow: hidden; }
    [hidden] { display: none; }
    header { display: flex; align-items: center; justify-content: space-between; padding: 10px 12px; border-bottom: 1px solid var(--line); }
    h2 { margin: 0; font-weight: 600; }
    .log { flex: 1; overflow-y: auto; padding: 12px; }
    .log p { margin: 0 0 10px; padding: 8px 10px; border: 1px solid var(--line); border-radius: 8px; white-space: pre-line; overflow-wrap: anywhere; }
    .log p.you { margin-left: 15%; background: var(--own); }
    b { display: block; font-size: 13px; font-weight: 600; }
    small { display: block; font-size: 13px; }
    .note { margin: 0; padding: 8px 12px; font-size: 14px; }
    form { display: flex; gap: 8px; padding: 10px 12px; border-top: 1px solid var(--line); }
    textarea { flex: 1; min-width: 0; padding: 8px; border: 1px solid var(--line); border-radius: 6px; background: var(--page); color: var(--text); resize: none; }
    .offers { display: flex; gap: 8px; padding: 0 12px 8px; }`;

  const made = (name, about = {}, ...inside) => {
    const found = document.createElement(name);
    for (const [one, value] of Object.entries(about)) one in found ? (found[one] = value) : found.setAttribute(one, value);
    found.append(...inside);
    return found;
  };
  const host = made("div", { lang: language }), root = host.attachShadow({ mode: "open" }), style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  root.adoptedStyleSheets = [style];
  const launch = made("button", { type: "button", textContent: WORDS.open, "aria-expanded": "false" });
  const shut = made("button", { type: "button", textContent: WORDS.close });
  const log = made("div", { className: "log", role: "log", "aria-label": WORDS.log, tabIndex: 0 });
  const offers = made("div", { className: "offers", hidden: true });
  const state = made("p", { className: "note", role: "status" });
  const field = made("textarea", { rows: 2, maxLength: 20000, "aria-label": WORDS.write });
  const form = made("form", {}, field, made("button", { textContent: WORDS.send }));
  const panel = made("section", { role: "dialog", "aria-label": WORDS.title, hidden: true },
    made("header", {}, made("h2", { textContent: WORDS.title }), shut),
    made("p", { className: "note", textContent: WORDS.ai }), log, state, offers, form);
  root.append(launch, panel);

  /* For as long as the tab lives, and for who is signed in by the server's own conversation alone. */
  const NAME = "regulars-support";
  const kept = () => { try { return sessionStorage.getItem(NAME); } catch { return null; } };
  const keep = (one) => { try { sessionStorage.setItem(NAME, one); } catch { /* forbidden */ } };
  let conversation = opened || kept(), shown = 0, timer = 0, busy = false, proposal = null;

  async function ask(path, body) {
    const answer = await fetch(base + path, {
      method: body ? "POST" : "GET", body: body && JSON.stringify(body), credentials: "omit",
      headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
    });
    if (!answer.ok) throw Object.assign(new Error(answer.statusText), { status: answer.status });
    return answer;
  }

  function show(who, text, sources = []) {
    const said = made("p", { className: who }, made("b", { textContent: WORDS[who] }), text);
    if (sources.length) said.append(made("small", { textContent: WORDS.sources + sources.join("; ") }));
    log.append(said);
    log.scrollTop = log.scrollHeight;
    return said;
  }

  /* The events of a stream, as they come. */
  async function* events(stream) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const whole = (rest + value).split("\n\n");
      rest = whole.pop();
      for (const one of whole) yield { name: one.slice(7, one.indexOf("\n")), said: JSON.parse(one.slice(one.indexOf("data: ") + 6)) };
    }
  }

  function offer(answers) {
    offers.replaceChildren(...answers.map((text) => made("button", { type: "button", textContent: text, onclick: () => say(text) })));
    offers.hidden = !answers.length;
  }

  /* What was said before, and what a person writes meanwhile. */
  async function look() {
    clearTimeout(timer);
    if (panel.hidden || !conversation || busy) return;
    try {
      const { status, messages } = await (await ask(`/v1/support/conversations/${conversation}`)).json();
      if (busy) return;
      for (const one of messages.slice(shown)) show({ customer: "you", ai: "by_ai" }[one.who] || "person", one.text, one.citations);
      shown = messages.length;
      if (status === "person") timer = setTimeout(look, 3000);
    } catch (error) {
      if (error.status === 404 && !opened) conversation = null;
    }
  }

  async function say(text) {
    if (busy || !text.trim()) return;
    busy = true;
    state.textContent = WORDS.waiting;
    offer([]);
    log.ariaBusy = "true"; /* read out once it is whole */
    let begun = null;
    try {
      const body = { message: text, proposal, ...(conversation && { conversation_id: conversation }) };
      const parts = [];
      for await (const part of events((await ask("/v1/support/messages", body)).body)) {
        parts.push(part);
        if (part.name !== "so_far") continue;
        begun ??= [show("you", text), show("by_ai", "")];
        begun[1].lastChild.data = part.said.text;
        log.scrollTop = log.scrollHeight;
      }
      const of = (name) => parts.filter((one) => one.name === name).map((one) => one.said);
      const [reply] = of("reply"), whole = of("text").map((one) => one.text).join("\n");
      conversation = of("conversation")[0].conversation_id;
      if (!opened) keep(conversation);
      proposal = reply.proposal;
      begun?.forEach((one) => one.remove());
      show("you", text);
      show("by_ai", whole, reply.citations);
      begun = null;
      shown += 2;
      offer(reply.action === "confirm" ? [WORDS.yes, WORDS.no] : []);
      field.value = state.textContent = "";
    } catch {
      state.textContent = WORDS.failed;
      begun?.forEach((one) => one.remove());
    }
    log.ariaBusy = "false";
    busy = false;
    field.focus();
    look();
  }

  function toggle(open) {
    panel.hidden = !open;
    launch.hidden = open;
    launch.setAttribute("aria-expanded", String(open));
    (open ? field : launch).focus();
    look();
  }

  launch.onclick = () => toggle(true);
  shut.onclick = () => toggle(false);
  panel.onkeydown = (event) => { if (event.key === "Escape") toggle(false); };
  form.onsubmit = (event) => { event.preventDefault(); say(field.value); };
  field.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); say(field.value); }
  };
  document.body.append(host);
})();
