/* What everything that is written has in common: the editor in its frame, and how answers find their places.

It comes along with each composer and each signature, whose own scripts wait for it: see the end. */
"use strict";

(() => {
  if (window.writing) return;
  const PARTIAL = { "HX-Request": "true", "HX-Request-Type": "partial" };
  const EDITOR_WAIT_MS = 6000;
  const LARGEST_EMBEDDED = 50000;

  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, attributes = {}, text = "") => {
    const element = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    element.textContent = text;
    return element;
  };

  /* Put parts of an answer where they belong: each in place of the one with its id, toasts to the others. */
  const place = (source) => {
    const parsed = new DOMParser().parseFromString(source, "text/html");
    for (const part of [...parsed.body.children]) {
      const list = part.getAttribute("hx-swap-oob") === "beforeend:#toasts" && document.getElementById("toasts");
      const old = part.id && document.getElementById(part.id);
      if (list) list.append(...part.children);
      else if (old) old.replaceWith(part);
      window.htmx?.process(list || part);
    }
    document.dispatchEvent(new CustomEvent("htmx:after:swap", { detail: { ctx: {} } }));
  };
  const post = (path, fields) => {
    const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
    return fetch(path, { method: "POST", body, headers: PARTIAL, credentials: "same-origin" });
  };
  /* An address may have arguments already. */
  const withArguments = (path, fields) => {
    const url = new URL(path, location.href);
    for (const [name, value] of fields) url.searchParams.set(name, value);
    return url.href;
  };
  const askToSignIn = () =>
    document.dispatchEvent(new CustomEvent("htmx:response:error", { detail: { ctx: { sourceElement: document.body, response: { status: 401 } } } }));

  /* The editor of one form: a frame in place of the textarea, as soon as it is there. */
  class Editor {
    constructor(box) {
      this.box = box;
      this.form = box.closest("form");
      // A form with several texts has a toolbar for each.
      this.part = box.closest("[data-editor-part]") ?? this.form;
      this.html = find("[data-html]", box);
      this.text = find("[data-text]", box);
      this.format = find("[name=format]", box);
      this.toolbar = find("[data-toolbar]", this.part);
      this.linkBar = find("[data-link-bar]", this.part);
      this.said = find("[data-said]", box);
      this.kept = null;
      box.editor = this;
      if (this.format.value === "plain") this.showPlain();
      else this.start();
      this.listen();
    }

    get api() {
      return this.frame?.contentWindow?.editor;
    }

    get isRich() {
      return this.format.value === "rich";
    }

    start() {
      const typed = this.text.value;
      this.box.classList.add("is-starting");
      this.frame?.remove();
      this.frame = make("iframe", { class: "editor-frame", title: this.box.dataset.editorName });
      const giveUp = () => this.box.classList.remove("is-starting");
      const timer = setTimeout(giveUp, EDITOR_WAIT_MS);
      this.frame.addEventListener("editor:failed", () => {
        clearTimeout(timer);
        giveUp();
        this.frame.remove();
      });
      this.frame.addEventListener("editor:ready", () => {
        clearTimeout(timer);
        // Somebody who began to type while the editor was on its way goes on where they are.
        if (this.text.value !== typed) this.frame.remove();
        else this.showRich();
        giveUp();
      });
      this.frame.addEventListener("editor:height", ({ detail }) => (this.frame.style.height = `${detail}px`));
      this.frame.addEventListener("editor:state", ({ detail }) => this.showState(detail));
      this.frame.addEventListener("editor:link", () => this.openLink());
      this.frame.src = this.box.dataset.editorPath;
      this.text.before(this.frame);
    }

    showRich() {
      const cids = JSON.parse(this.box.dataset.cids ?? "{}");
      const isMail = "cids" in this.box.dataset;
      const isFolded = this.api.load(this.html.value, { cids, folds: isMail, isSignature: !isMail });
      this.format.value = "rich";
      this.box.classList.add("is-rich");
      this.toolbar.hidden = false;
      this.setSwitch(false);
      if (isFolded) this.offerQuote();
      if (this.wantsFocus) this.focus();
      this.frame.dispatchEvent(new CustomEvent("editor:shown", { bubbles: true }));
    }

    showPlain() {
      this.format.value = "plain";
      this.box.classList.remove("is-rich", "is-starting");
      this.frame?.remove();
      this.frame = null;
      find(".quote-opener", this.box)?.remove();
      this.toolbar.hidden = true;
      this.linkBar.hidden = true;
      this.setSwitch(true);
      if (this.wantsFocus) this.focus();
    }

    setSwitch(isPlain) {
      const button = find("[data-switch]", this.form);
      if (!button) return;
      button.hidden = false;
      button.setAttribute("aria-pressed", String(isPlain));
    }

    offerQuote() {
      const name = phrase("Show quoted text");
      const button = make("button", { type: "button", class: "quote-opener", title: name, "aria-label": name }, "•••");
      button.addEventListener("click", () => {
        this.api.unfold();
        button.remove();
        this.api.focus();
      });
      this.frame.after(button);
    }

    /* Put what stands in the editor into the form. */
    write() {
      if (this.isRich && this.api) this.html.value = this.api.html();
    }

    /* Put something where the cursor is: HTML in the editor, text in a textarea. */
    insert(html, text) {
      if (this.isRich && this.api) {
        this.frame.focus();
        this.api.insert(html);
        return;
      }
      this.text.focus({ preventScroll: true });
      this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
      this.text.dispatchEvent(new Event("input", { bubbles: true }));
    }

    focus() {
      this.wantsFocus = true;
      if (this.isRich && this.api) {
        this.frame.focus();
        this.api.focus();
      } else if (!this.box.classList.contains("is-starting")) {
        this.text.focus({ preventScroll: true });
        this.text.setSelectionRange(0, 0);
      }
    }

    showState(state) {
      for (const button of all("[data-command][aria-pressed]", this.toolbar)) {
        button.setAttribute("aria-pressed", String(Boolean(state[button.dataset.command])));
      }
      this.address = state.link;
    }

    say(text, action = "", act = () => {}) {
      this.said.replaceChildren(text);
      this.said.hidden = !text;
      if (!action) return;
      const button = make("button", { type: "button", class: "link-button" }, action);
      button.addEventListener("click", act);
      this.said.append(" ", button);
    }

    async switchFormat() {
      if (this.isRich) await this.makePlain();
      else await this.makeRich();
    }

    async convert(path, body) {
      try {
        const answer = await post(path, { body, csrf_token: this.form.elements.csrf_token.value });
        if (answer.ok) return await answer.text();
        if (answer.status === 401) askToSignIn();
      } catch {
        // Said below: what is written stays as it is.
      }
      this.say(phrase("The format cannot be changed without a connection. Try again in a moment."));
      return null;
    }

    async makePlain() {
      const html = this.api.html();
      const text = await this.convert(this.box.dataset.plainPath, html);
      if (text === null) return;
      this.kept = { html, text };
      this.html.value = "";
      this.text.value = text;
      this.wantsFocus = true;
      this.showPlain();
      this.say(phrase("Formatting is removed."), phrase("Undo"), () => this.makeRich({ restores: true }));
      this.changed();
    }

    /* Back to rich text: with the formatting that there was, as long as the text is the same. */
    async makeRich({ restores = false } = {}) {
      const isSame = this.kept && (restores || this.kept.text === this.text.value);
      const html = isSame ? this.kept.html : await this.convert(this.box.dataset.richPath, this.text.value);
      if (html === null) return;
      const typed = this.text.value;
      this.html.value = html;
      this.format.value = "text";
      this.wantsFocus = true;
      this.say("");
      if (restores && this.kept.text !== typed) {
        this.say(phrase("The formatting is back, without what you typed since."), phrase("Undo"), () => this.backToPlain(typed));
      }
      this.kept = null;
      this.frame = null;
      this.start();
      this.frame.addEventListener("editor:shown", () => this.changed(), { once: true });
    }

    backToPlain(text) {
      this.kept = { html: this.api.html(), text: "" };
      this.html.value = "";
      this.text.value = text;
      this.showPlain();
      this.say("");
      this.changed();
    }

    /* Put pictures where the cursor is: here within the text itself, so the server makes large ones small. */
    async putPictures(files) {
      for (const file of files) {
        if (file.size > LARGEST_EMBEDDED) {
          await this.putSmaller(file);
          continue;
        }
        const reader = new FileReader();
        reader.addEventListener("load", () => this.api?.picture("", reader.result, file.name.replace(/\.\w+$/, "")));
        reader.readAsDataURL(file);
      }
    }

    async putSmaller(file) {
      this.say(phrase("Making the picture smaller"));
      const fields = new FormData();
      fields.append("picture", file, file.name || "picture");
      fields.append("csrf_token", this.box.closest("form").elements.csrf_token.value);
      const options = { method: "POST", body: fields, headers: PARTIAL };
      const answer = await fetch(this.toolbar.dataset.pictures, options).catch(() => null);
      const { source, problem } = (answer?.headers.get("Content-Type")?.includes("json") && (await answer.json())) || {};
      if (source) this.api?.picture("", source, file.name.replace(/\.\w+$/, ""));
      this.say(source ? "" : problem ?? phrase("The picture was not put in. Try again."));
    }

    choosePictures() {
      const chooser = make("input", { type: "file", accept: "image/png, image/jpeg, image/gif, image/webp", multiple: "" });
      chooser.addEventListener("change", () => this.putPictures([...chooser.files]));
      chooser.click();
    }

    changed() {
      this.box.dispatchEvent(new CustomEvent("editor:input", { bubbles: true }));
    }

    openLink() {
      this.linkBar.hidden = false;
      const input = find("[data-link-address]", this.linkBar);
      input.value = this.address || "";
      find("[data-link=remove]", this.linkBar).hidden = !this.address;
      input.focus();
      input.select();
    }

    closeLink(address = null) {
      this.linkBar.hidden = true;
      if (address !== null) this.api.link(address);
      this.focus();
    }

    setLink() {
      const typed = find("[data-link-address]", this.linkBar).value.trim();
      const hasScheme = /^(https?:\/\/|mailto:|tel:)/i.test(typed);
      const isMail = !hasScheme && /^[^\s@/:]+@[^\s@/:]+$/.test(typed);
      // Anything else with a scheme would not survive cleaning.
      if (!typed || (!hasScheme && /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(typed))) return;
      this.closeLink(hasScheme ? typed : `${isMail ? "mailto:" : "https://"}${typed}`);
    }

    listen() {
      this.box.addEventListener("editor:pictures", ({ detail }) => this.putPictures(detail));
      this.box.addEventListener("click", (event) => event.target === this.box && this.isRich && this.api?.focus());
      this.toolbar.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
      this.toolbar.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        if (button.dataset.command === "link") this.openLink();
        else if (button.dataset.command === "picture") this.choosePictures();
        else this.api?.run(button.dataset.command);
      });
      this.toolbar.addEventListener("keydown", (event) => {
        const buttons = all("button", this.toolbar);
        const at = buttons.indexOf(document.activeElement);
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
        if (at < 0 || to === undefined) return;
        event.preventDefault();
        buttons.forEach((each) => (each.tabIndex = -1));
        const next = buttons.at(to % buttons.length);
        next.tabIndex = 0;
        next.focus();
      });
      find("[data-switch]", this.form)?.addEventListener("click", () => this.switchFormat());
      this.linkBar.addEventListener("click", (event) => {
        const choice = event.target.closest("[data-link]")?.dataset.link;
        if (choice === "set") this.setLink();
        if (choice === "remove") this.closeLink("");
      });
      this.linkBar.addEventListener("keydown", (event) => {
        if (event.key === "Enter") {
          event.preventDefault();
          this.setLink();
        } else if (event.key === "Escape") {
          event.stopPropagation();
          this.closeLink();
        }
      });
    }
  }

  window.writing = { PARTIAL, find, all, make, place, post, withArguments, askToSignIn, Editor };
  document.dispatchEvent(new CustomEvent("writing"));
})();
