/* What an ATS does with the frame: it listens to its events, and gives it commands. */
"use strict";

(() => {
  const frame = document.querySelector("webmail-frame");
  const names = "ready connected disconnected reconnect-needed message-received message-sent unread-changed session-ended launch-failed";
  for (const name of names.split(" ")) {
    document.addEventListener(name, ({ detail }) => {
      const item = document.createElement("li");
      item.textContent = `${name} ${JSON.stringify(detail)}`;
      document.getElementById("events").prepend(item);
      if (name === "unread-changed") document.getElementById("unread").textContent = detail.unread ? `(${detail.unread})` : "";
    });
  }
  document.getElementById("theme").addEventListener("change", ({ target }) => frame?.setAttribute("theme", target.value));
  document.querySelector("[data-compose]")?.addEventListener("click", ({ target }) => frame.compose(target.dataset.compose, "About your application"));
})();
