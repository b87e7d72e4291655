/* The last page of a sign-in in a popup closes it; a browser that does not allow that leaves a page with a link. */
"use strict";

(() => {
  if (document.querySelector("[data-closes-window]")) window.close();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-closes-popup]")) return;
    event.preventDefault();
    window.close();
  });
})();
