/* Reading, livelier: printing without leaving the page. Everything here is a plain link without it. */
"use strict";

(() => {
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
