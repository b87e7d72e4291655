/* Reading, livelier: neighbours are here before they are opened, and printing leaves no page. Everything is a plain link without it. */
"use strict";

(() => {
  /* The neighbours of what is open are fetched ahead, so that j and k show them at once. It marks nothing as read:
     that is told when one is opened (mail.js). Not for those who save data, and not on pages that nobody looks at. */
  const AHEAD_MS = 60000;
  const ahead = new Map();
  let soon = 0;
  const keyOf = (address) => {
    const url = new URL(address, location.href);
    url.searchParams.delete("frame");
    return url.pathname + url.search;
  };
  const fetchAhead = (key) => {
    const headers = { "HX-Request": "true", "HX-Request-Type": "partial", Purpose: "prefetch" };
    const answer = fetch(key, { headers, priority: "low" }).catch(() => null);
    ahead.set(key, { until: Date.now() + AHEAD_MS, answer: answer.then((it) => (it?.ok && !it.redirected ? it : null)) });
  };
  const lookAhead = () => {
    clearTimeout(soon);
    if (navigator.connection?.saveData) return;
    soon = setTimeout(() => {
      const item = document.querySelector("#rows .conversation-row[aria-current]")?.closest("li");
      if (!item || document.hidden || !document.querySelector("#conversation > .conversation")) return;
      const rows = [item.nextElementSibling, item.previousElementSibling].map((each) => each?.querySelector(".conversation-row"));
      const keys = rows.filter((row) => row?.pathname.startsWith("/conversations/")).map((row) => keyOf(row.href));
      for (const key of ahead.keys()) if (!keys.includes(key) || ahead.get(key).until < Date.now()) ahead.delete(key);
      keys.filter((key) => !ahead.has(key)).forEach(fetchAhead);
    }, 200);
  };
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (!ctx.sourceElement?.matches?.(".conversation-row")) return;
    const kept = ahead.get(keyOf(ctx.request.action));
    ahead.delete(keyOf(ctx.request.action));
    if (!kept || kept.until < Date.now()) return;
    const send = ctx.fetch;
    ctx.fetch = async (...request) => {
      const answer = await kept.answer;
      ctx.isAhead = Boolean(answer);
      return answer ?? send(...request);
    };
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => ["conversation", "list-body"].includes(ctx.target?.id) && lookAhead());
  // What is older than the news is fetched again.
  for (const name of ["mail-new", "conversation-changed", "submission-changed", "resumed"]) {
    document.body.addEventListener(name, ({ detail }) => {
      const changed = name === "conversation-changed" && /"uuid": ?"([^"]+)"/.exec(detail?.data ?? "")?.[1];
      for (const key of ahead.keys()) if (!changed || key.includes(changed)) ahead.delete(key);
      lookAhead();
    });
  }
  lookAhead();

  /* Printing: the page for paper is loaded out of sight, and the browser asks how to print it. */
  const print = (url) => {
    document.getElementById("print-frame")?.remove();
    const frame = document.createElement("iframe");
    frame.id = "print-frame";
    frame.className = "visually-hidden";
    frame.title = phrase("What is printed");
    frame.setAttribute("aria-hidden", "true");
    frame.tabIndex = -1;
    frame.sandbox = "allow-same-origin allow-modals";
    frame.addEventListener("load", () => frame.contentWindow.print());
    frame.src = url;
    document.body.append(frame);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-print]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.closest("details.menu").open = false;
    print(link.href);
  });

  /* Where a link of a mail leads stands at the foot of the page, under the pointer as by keyboard. */
  const target = document.createElement("div");
  target.className = "link-target";
  target.setAttribute("aria-hidden", "true");
  document.body.append(target);
  const showTarget = (link) => (target.textContent = link && !link.matches("[data-trust], [target=_self]") ? link.href : "");

  /* In the frame of a message: whose pictures are wanted for good is told from here, for the frame may not. */
  const watched = new WeakSet();
  const watch = (frame) => {
    const page = frame.contentDocument;
    if (!page || watched.has(page)) return;
    watched.add(page);
    ["mouseover", "focusin"].forEach((name) => page.addEventListener(name, ({ target }) => showTarget(target.closest?.("a[href]"))));
    ["mouseleave", "focusout"].forEach((name) => page.addEventListener(name, () => showTarget(null)));
    page.addEventListener("click", async (event) => {
      const link = event.target.closest?.("a[data-trust]");
      if (!link) return;
      event.preventDefault();
      await htmx.ajax("POST", link.getAttribute("href"), { source: document.getElementById("toasts"), target: "#toasts", swap: "none" });
      frame.contentWindow.location.reload();
    });
  };
  document.addEventListener("load", ({ target }) => target.matches?.("iframe.message-frame") && watch(target), true);
  document.querySelectorAll("iframe.message-frame").forEach((frame) => frame.contentDocument?.readyState === "complete" && watch(frame));
})();
