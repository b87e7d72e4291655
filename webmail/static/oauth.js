/* Signing in at a provider, whose pages refuse to be framed: from inside another page it runs in a popup. */
"use strict";

(() => {
  const isFramed = window.top !== window;
  let awaited = "";

  /* A browser that opens no window by itself does at a press: the same ticket, behind a button that looks like a link. */
  const offer = (handed, form) => {
    const [words, button] = [document.createElement("p"), document.createElement("button")];
    words.textContent = phrase("Your browser blocked the window.");
    Object.assign(button, { className: "link-button", textContent: phrase("Open the sign-in") });
    handed.className = "row";
    handed.append(words, button);
    handed.addEventListener("submit", () => setTimeout(() => handed.remove()));
    const panel = document.getElementById(`card-${awaited}-panel`);
    if (panel) panel.replaceChildren(handed);
    else form.after(handed);
    button.focus();
  };

  /* The window has to be opened at once, while the press is still fresh; the ticket follows. */
  document.addEventListener(
    "submit",
    async (event) => {
      const form = event.target.closest("form[data-sign-in]");
      const action = event.submitter?.hasAttribute("formaction") ? event.submitter.formAction : form?.action;
      if (!isFramed || !form || !new URL(action, location).pathname.startsWith("/oauth/")) return;
      event.preventDefault();
      const popup = window.open("about:blank", "webmail-sign-in", "popup,width=520,height=720");
      const body = new FormData(form, event.submitter);
      body.set("popup", "1");
      awaited = /microsoft/.test(action) ? "outlook" : "gmail";
      try {
        const answer = await fetch(action, { method: "POST", body, headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(answer.status);
        const { action: target, ticket } = await answer.json();
        const handed = document.createElement("form");
        Object.assign(handed, { method: "post", action: target, target: popup ? "webmail-sign-in" : "_blank", hidden: Boolean(popup) });
        const field = document.createElement("input");
        Object.assign(field, { name: "ticket", value: ticket });
        field.type = "hidden";
        handed.append(field);
        if (!popup) return offer(handed, form);
        document.body.append(handed);
        handed.submit();
        handed.remove();
      } catch {
        popup?.close();
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
