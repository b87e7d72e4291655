/* Reading, livelier: printing without leaving the page. Everything here is a plain link without it. */
"use strict";

(() => {
  /* Printing: the page for paper is loaded out of sight, and the browser asks how to print it. */
  const print = (url) => {
    document.getElementById("print-frame")?.remove();
    const frame = document.createElement("iframe");
    frame.id = "print-frame";
    frame.className = "visually-hidden";
    frame.title = "What is printed";
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
})();
