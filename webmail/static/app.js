/* What plain HTML and htmx do not do by themselves: everything here makes pages nicer, nothing here is needed. */
"use strict";

/* Say something in the language of the page: the layout holds the phrases of languages other than English. */
window.phrase = (() => {
  const known = JSON.parse(document.querySelector("meta[name=phrases]")?.content ?? "{}");
  return (text, values = {}) => (known[text] ?? text).replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
})();

(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Times are written by the server, in this zone.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`zone=${zone}`)) {
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  }

  /* Busy: a bar at the top while a swap is under way, but not for what happens in the background. */
  const underWay = new Set();
  const isQuiet = (ctx) => ctx.sourceElement?.matches("#stream, [data-background]") ?? true;
  const showBusy = () => {
    root.classList.toggle("is-busy", underWay.size > 0);
    root.classList.toggle("is-done", underWay.size === 0);
  };
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (isQuiet(ctx)) return;
    underWay.add(ctx);
    showBusy();
  });
  // Not "finally": by then the swap may have taken away the element that the event would come from.
  for (const name of ["htmx:after:request", "htmx:error"]) {
    document.addEventListener(name, ({ detail: { ctx } }) => underWay.delete(ctx) && showBusy());
  }

  /* Plain forms: what was pressed cannot be pressed twice. */
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || !button || event.target.method === "dialog" || event.target.target) return;
    setTimeout(() => {
      if (!event.defaultPrevented) button.setAttribute("aria-disabled", "true");
    });
  });
  addEventListener("pageshow", () => all("[aria-disabled=true]").forEach((each) => each.removeAttribute("aria-disabled")));

  /* Menus close by Escape and by a press elsewhere. */
  const closeMenus = (except) => all("details.menu[open]").forEach((menu) => menu !== except && (menu.open = false));
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  /* Toasts go after ten seconds, or when what they offer is over, unless the pointer or the focus is on them. */
  const startToast = (toast) => {
    toast.dataset.toast = "started";
    const end = () => (toast.matches(":hover, :focus-within") ? setTimeout(end, 2000) : toast.remove());
    setTimeout(end, (toast.dataset.seconds ?? 10) * 1000);
  };
  const startToasts = () => all("[data-toast='']").forEach(startToast);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-toast], .toast-action")) {
      const toast = event.target.closest(".toast");
      setTimeout(() => toast.remove(), event.target.closest(".toast-action") ? 50 : 0);
    }
  });

  /* Dialogs: [data-opens-dialog] opens one by id; one that a swap brought with [data-modal] opens by itself. */
  const openDialog = (dialog) => dialog && !dialog.open && dialog.showModal();
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens-dialog]");
    if (opener) openDialog(document.getElementById(opener.dataset.opensDialog));
    const closer = event.target.closest("[data-closes-dialog]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog").close();
    }
    if (event.target.matches("dialog[open]")) event.target.close();
  });
  document.addEventListener("close", (event) => event.target.matches("dialog[data-modal]") && event.target.remove(), true);
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select, [contenteditable], iframe");
    if (event.key !== "?" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    openDialog(document.getElementById("shortcuts"));
  });

  /* What is typed while the composer is on its way is meant for it: an "e" in a hurry archives nothing. */
  const KEYS_REST_MS = 15000;
  const now = () => performance.now();
  let restUntil = 0;
  const restKeys = (until) => ({ detail: { ctx } }) => {
    if (ctx?.target?.id === "composer-slot") restUntil = until(ctx);
  };
  document.addEventListener("htmx:before:request", restKeys(() => Infinity));
  document.addEventListener("htmx:after:request", restKeys(({ response }) => (response.status < 400 ? now() + KEYS_REST_MS : 0)));
  document.addEventListener("htmx:error", restKeys(() => 0));
  document.addEventListener("editor:shown", () => (restUntil = 0));
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable], iframe");
    if (event.key.length === 1 && !isTyping && now() < restUntil) event.stopImmediatePropagation();
  }, true);

  /* A dead session: ask to sign in again in another tab, then take up the new session's token here. */
  const sessions = "BroadcastChannel" in window ? new BroadcastChannel("session") : null;
  const signedOut = document.getElementById("signed-out");
  document.addEventListener("htmx:response:error", (event) => {
    if (event.detail.ctx.response.status === 401) openDialog(signedOut);
  });
  const resume = async () => {
    if (!signedOut?.open || root.dataset.frame) return;
    const answer = await fetch("/session", { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return;
    const { user, csrf_token: token } = await answer.json();
    signedOut.querySelector("[data-other-user]").hidden = user === document.body.dataset.user;
    if (user !== document.body.dataset.user) return;
    document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRFToken": token }));
    all("input[name=csrf_token]").forEach((input) => (input.value = token));
    signedOut.close();
    document.body.dispatchEvent(new CustomEvent("resumed", { bubbles: true }));
  };
  sessions?.addEventListener("message", resume);
  addEventListener("focus", resume);
  document.addEventListener("visibilitychange", resume);
  if (document.querySelector("[data-resumed]")) sessions?.postMessage("resumed");

  /* htmx looks the page over as soon as it is there itself, and its stream may come later: then once more. */
  setTimeout(() => {
    const stream = document.getElementById("stream");
    if (stream && !stream._htmx) window.htmx?.process(stream);
  });

  /* After the stream was away, the page reads its state again. */
  let streams = 0;
  const readAgain = () => document.body.dispatchEvent(new CustomEvent("resumed", { bubbles: true }));
  document.addEventListener("htmx:sse:after:connection", () => streams++ && readAgain());
  // Where the server has no stream to give, the page asks for one again and again, and reads its state each time.
  const withoutStream = (status) => {
    if (status === 503) readAgain();
    if (status === 401) openDialog(signedOut);
  };
  document.addEventListener("htmx:sse:error", ({ detail }) => withoutStream(detail.status));
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (ctx.sourceElement.id === "stream") withoutStream(ctx.response.status);
  });

  /* What was pressed without a connection says so; what was shown too early is put right when the line is back. */
  const NO_CONNECTION = phrase("No connection. Nothing was changed: try again in a moment.");
  const sayOffline = (_element, { ctx }) => {
    const hasItsOwnWords = ctx?.sourceElement?.closest(".composer, #toasts");
    if (!ctx || ctx.response || isQuiet(ctx) || hasItsOwnWords) return;
    document.querySelector(".toast-offline")?.remove();
    const toast = document.createElement("div");
    toast.className = "toast toast-problem toast-offline";
    toast.append(Object.assign(document.createElement("span"), { className: "toast-text", textContent: NO_CONNECTION }));
    document.getElementById("toasts").append(toast);
    startToast(toast);
  };
  // An extension hears of errors even where the pressed button has gone.
  window.htmx?.registerExtension("offline", { htmx_error: sayOffline });
  addEventListener("online", readAgain);

  /* Who worked in what a swap took away goes on where it was: in its like, in what took its place, or around it. */
  let worked = null;
  const canHold = (each) => each?.isConnected && each.matches("[tabindex], a[href], button");
  document.addEventListener("htmx:before:swap", () => {
    const at = document.activeElement;
    if (!at || at === document.body) return;
    const around = [];
    for (let each = at; each; each = each.parentElement) around.push(each);
    worked = { at, around, before: at.closest("li")?.previousElementSibling };
  });
  document.addEventListener("htmx:after:swap", () => {
    const left = worked;
    worked = null;
    if (!left || left.at.isConnected || document.activeElement !== document.body) return;
    const like = left.at.id && document.getElementById(left.at.id);
    const after = left.before?.isConnected && left.before.nextElementSibling?.querySelector("a[href], button");
    (like || after || left.around.find(canHold) || document.getElementById("main"))?.focus({ preventScroll: true });
  });

  const settle = () => {
    startToasts();
    all("dialog[data-modal]").forEach(openDialog);
  };
  document.addEventListener("htmx:after:swap", settle);
  document.addEventListener("DOMContentLoaded", settle);
  settle();
})();
