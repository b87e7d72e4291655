/* Signing in at a provider, whose pages refuse to be framed: from inside another page it runs in a popup. */
"use strict";

(() => {
  const isFramed = window.top !== window;
  let awaited = "";

  /* The window has to be opened at once, while the press is still fresh; the ticket follows. */
  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target.closest("form[data-sign-in]");
      const action = event.submitter?.hasAttribute("formaction") ? event.submitter.formAction : form?.action;
      if (!isFramed || !form || !new URL(action, location).pathname.startsWith("/oauth/")) return;
      event.preventDefault();
      const popup = window.open("about:blank", "webmail-sign-in", "popup,width=520,height=720");
      if (!popup) return;
      const body = new FormData(form, event.submitter);
      body.set("popup", "1");
      awaited = /microsoft/.test(action) ? "outlook" : "gmail";
      try {
        const answer = await fetch(action, { method: "POST", body, headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(answer.status);
        const { action: target, ticket } = await answer.json();
        const handed = document.createElement("form");
        Object.assign(handed, { method: "post", action: target, target: "webmail-sign-in", hidden: true });
        const field = document.createElement("input");
        Object.assign(field, { name: "ticket", value: ticket });
        handed.append(field);
        document.body.append(handed);
        handed.submit();
        handed.remove();
      } catch {
        popup.close();
        awaited = "";
      }
    },
    true,
  );

  /* The checks that follow show here, where the press was; their panel looks after itself from then on. */
  document.addEventListener("attempt-changed", ({ detail }) => {
    const panel = awaited && document.getElementById(`card-${awaited}-panel`);
    const uuid = JSON.parse(detail?.data ?? "{}").uuid;
    if (!panel || !uuid) return;
    awaited = "";
    window.htmx?.ajax("GET", `/attempts/${uuid}`, { target: panel, swap: "innerHTML" });
  });

  /* The popup's last page closes it; a browser that does not allow that leaves a page that says so. */
  if (document.querySelector("[data-closes-window]")) window.close();
  document.addEventListener("click", (event) => event.target.closest("[data-closes-popup]") && window.close());
})();
