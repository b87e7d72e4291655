/* <webmail-frame>: Mail inside your page. docs/embedding.md tells how to use it. */
"use strict";

(() => {
  const home = new URL(document.currentScript.src).origin;
  let count = 0;

  class WebmailFrame extends HTMLElement {
    static observedAttributes = ["theme", "page", "contact"];

    connectedCallback() {
      if (this.frame) return;
      this.base = new URL(this.getAttribute("src") ?? home).origin;
      this.frame = document.createElement("iframe");
      Object.assign(this.frame, { name: `webmail-${++count}-${Date.now()}`, title: this.title || "Mail", allow: "clipboard-write" });
      Object.assign(this.frame.style, { border: 0, width: "100%", height: "100%", display: "block", colorScheme: "auto" });
      this.append(this.frame);
      if (getComputedStyle(this).display === "inline") this.style.display = "block"; // inline, it would have no height
      this.listener = (event) => this.take(event);
      addEventListener("message", this.listener);
      this.start();
    }

    disconnectedCallback() {
      removeEventListener("message", this.listener);
      this.frame.remove();
      this.frame = this.known = undefined;
    }

    attributeChangedCallback(name, before, now) {
      if (!this.frame || before === now) return;
      if (name === "theme") this.setTheme(now ?? "auto");
      else this.start();
    }

    /* Gives a signed launch; replace it, or set launch-url to a page of yours that answers with one. */
    async launch(options) {
      const url = new URL(this.getAttribute("launch-url"), location.href);
      for (const [name, value] of Object.entries(options)) url.searchParams.set(name, value);
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(`The launch was answered with ${answer.status}`);
      return (await answer.text()).trim();
    }

    async start() {
      this.isOver = false;
      const options = {};
      for (const name of ["page", "contact", "theme"]) if (this.getAttribute(name)) options[name] = this.getAttribute(name);
      if (options.contact) options.page ??= "contact";
      try {
        this.post(await this.launch(options));
      } catch (error) {
        this.emit("launch-failed", { message: String(error.message ?? error) });
      }
    }

    post(token) {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: `${this.base}/embed/launch`, target: this.frame.name, hidden: true });
      const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
      for (const [name, value] of Object.entries({ token, zone: timeZone })) {
        form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
      }
      document.body.append(form);
      form.submit();
      form.remove();
    }

    emit(name, detail = {}) {
      this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
    }

    command(webmail, detail = {}) {
      this.frame.contentWindow.postMessage({ ...detail, webmail }, this.base);
    }

    compose(to = "", subject = "") {
      this.command("compose", { to, subject });
    }

    open(conversation) {
      this.command("open", { conversation });
    }

    setTheme(theme) {
      this.command("set-theme", { theme });
    }

    logout() {
      this.isOver = true;
      this.command("logout");
    }

    take({ origin, source, data }) {
      if (origin !== this.base || source !== this.frame?.contentWindow) return;
      const { webmail: type, ...detail } = data;
      if (type === "height") this.frame.style.height = detail.height ? `${detail.height}px` : "100%";
      else if (type === "state") this.compare(detail);
      else if (type === "session-ended") this.ended(detail);
      else if (type === "ready" || type === "message-received") this.emit(type, detail);
    }

    ended(detail) {
      this.emit("session-ended", detail);
      // At most once in ten seconds, so that a launch that does not last is not tried for ever.
      if (this.isOver || detail.reason !== "ended" || Date.now() - (this.relaunched ?? 0) < 10000) return;
      this.relaunched = Date.now();
      this.start();
    }

    compare(state) {
      const before = this.known ?? { accounts: state.accounts, sent: state.sent };
      this.known = state;
      if (before.unread !== state.unread) this.emit("unread-changed", { unread: state.unread });
      for (const id of state.sent) if (!before.sent.includes(id)) this.emit("message-sent", { id });
      const was = Object.fromEntries(before.accounts.map((each) => [each.id, each.status]));
      const names = { connected: "connected", reconnect_needed: "reconnect-needed" };
      for (const account of state.accounts) {
        if (was[account.id] !== account.status) this.emit(names[account.status] ?? "disconnected", account);
        delete was[account.id];
      }
      for (const id of Object.keys(was)) this.emit("disconnected", { id });
    }
  }

  customElements.define("webmail-frame", WebmailFrame);
})();
