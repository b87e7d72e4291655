/* The composer: drafts that save themselves, their files, and sending. It comes along with each composer; without it
everything here is a plain form. */
"use strict";

(() => {
  const SAVE_AFTER_MS = 1000;
  const SAVE_AT_LEAST_MS = 8000;
  const CATCH_UP_MS = 500;

  const begin = () => {
    if (window.composing) {
      window.composing();
      return;
    }
    const { PARTIAL, find, all, place, post, withArguments, askToSignIn, Editor } = window.writing;

    /* A draft: saved as it is written, one save at a time. */
    class Draft {
      constructor(section) {
        this.section = section;
        // A property: htmx gives a section that comes again the attributes of the one before it for a moment.
        section.draft = this;
        this.form = find("form", section);
        this.editor = new Editor(find("[data-editor]", section));
        this.editor.putPictures = (files) => this.putPictures(files);
        this.isDirty = false;
        this.isHeld = Boolean(find("[data-keep]", section));
        this.retryMs = 2000;
        this.saving = Promise.resolve();
        this.listen();
        this.stand();
        this.catchUp();
      }

      stand() {
        const problem = find("[aria-invalid=true], .draft-conflict button, .draft-questions button", this.section);
        const focus = this.section.dataset.focus;
        if (focus) this.section.scrollIntoView({ block: "nearest" });
        if (problem) problem.focus();
        else if (focus === "body") this.editor.focus();
        else if (focus) find("#draft-to", this.form).focus();
      }

      touch() {
        this.isDirty = true;
        this.firstTouched ??= Date.now();
        clearTimeout(this.timer);
        const isOverdue = Date.now() - this.firstTouched > SAVE_AT_LEAST_MS;
        this.timer = setTimeout(() => this.save(), isOverdue ? 0 : SAVE_AFTER_MS);
      }

      say(text) {
        find("[data-state]", this.form).textContent = text;
      }

      get isUnsaved() {
        return this.isDirty || this.isSaving;
      }

      save() {
        clearTimeout(this.timer);
        // What stands here is taken at once: the next moment may take the composer away.
        this.saving = this.isSaving ? this.saving.then(() => this.store()) : this.store();
        return this.saving;
      }

      async store() {
        if (!this.isDirty || this.isHeld || this.isOver) return;
        this.editor.write();
        const fields = new FormData(this.form);
        fields.delete("files");
        this.isDirty = false;
        this.isSaving = true;
        this.firstTouched = undefined;
        try {
          await this.take(await post(this.form.action, fields));
        } catch {
          this.failed(phrase("Not saved: no connection. Trying again."));
        } finally {
          this.isSaving = false;
        }
      }

      /* Save while the page goes away; says whether that can be relied on. */
      leave() {
        if (!this.isUnsaved || this.isOver) return true;
        this.editor.write();
        const fields = new FormData(this.form);
        fields.delete("files");
        const size = [...fields.values()].reduce((sum, value) => sum + encodeURIComponent(value).length, 0);
        // A browser takes 64 KB along, and a line that failed a moment ago may fail again.
        if (this.isHeld || this.uploads || size > 60000 || this.retryMs > 2000 || !navigator.onLine) return false;
        const options = { method: "POST", headers: PARTIAL, keepalive: true };
        fetch(this.form.action, { ...options, body: new URLSearchParams(fields) }).catch(() => {});
        // A reload may be answered before this has arrived: see catchUp, and the same in mail.js.
        const { action, elements } = this.form;
        sessionStorage.setItem("left", JSON.stringify({ action, revision: elements.revision.value, page: location.pathname }));
        return true;
      }

      /* What was saved on the way out of the page before this one may be newer than what came with this page. */
      catchUp() {
        const { action, revision } = JSON.parse(sessionStorage.getItem("left") ?? "{}");
        if (action !== this.form.action) return;
        sessionStorage.removeItem("left");
        if (revision !== this.form.elements.revision.value) return;
        setTimeout(() => !this.isDirty && this.showNewer(action), CATCH_UP_MS);
      }

      async take(answer) {
        if (answer.ok && answer.headers.has("HX-Redirect")) {
          location.href = answer.headers.get("HX-Redirect");
        } else if (answer.ok) {
          this.retryMs = 2000;
          place(await answer.text());
          if (find(".draft-conflict, .draft-problems, .draft-questions", this.form)) this.clearProblems();
        } else if (answer.status === 401) {
          this.isDirty = true;
          this.say(phrase("Not saved: you are signed out."));
          askToSignIn();
        } else if (answer.status === 409 || answer.status === 422) {
          this.isDirty = true;
          this.isHeld = answer.status === 409;
          this.keepFocus(place, await answer.text());
          this.say(phrase("Not saved."));
        } else if (answer.status === 404) {
          this.isHeld = true;
          this.isDirty = true;
          this.say(phrase("Not saved: this draft was discarded in another tab. Copy what you need."));
        } else {
          this.failed(phrase("Not saved: the server did not take it. Trying again."));
        }
      }

      failed(text) {
        this.isDirty = true;
        this.say(text);
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.save(), this.retryMs);
        this.retryMs = Math.min(this.retryMs * 2, 30000);
      }

      /* The fields are replaced under somebody who types in them: they stay where they are. */
      keepFocus(act, ...values) {
        const id = this.form.contains(document.activeElement) ? document.activeElement.id : "";
        const { selectionStart, selectionEnd } = document.activeElement;
        act(...values);
        const again = id && document.getElementById(id);
        if (!again || again === document.activeElement) return;
        again.focus();
        if (selectionStart !== undefined && again.setSelectionRange) again.setSelectionRange(selectionStart, selectionEnd);
      }

      clearProblems() {
        all(".draft-conflict, .draft-problems, .draft-questions", this.form).forEach((each) => each.remove());
      }

      /* Another account brings another signature: the composer comes anew. */
      async changeAccount() {
        this.touch();
        await this.save();
        if (this.isDirty) return;
        const query = new URLSearchParams({ place: this.form.elements.place.value });
        const answer = await fetch(withArguments(this.form.action, query), { headers: PARTIAL });
        if (!answer.ok) return;
        this.isOver = true;
        place(await answer.text());
        window.composing();
        find("#draft-account")?.focus();
      }

      async sendOrWait(event) {
        this.editor.write();
        clearTimeout(this.timer);
        if (!this.isSaving && !this.uploads) {
          this.isOver = true;
          return;
        }
        // A save that is under way would take the revision away from this one.
        event.preventDefault();
        event.stopImmediatePropagation();
        const button = event.target.closest("[data-send]");
        button.setAttribute("aria-disabled", "true");
        await this.saving;
        await this.uploads;
        button.removeAttribute("aria-disabled");
        if (!this.isHeld) button.click();
      }

      back(text = "") {
        this.isOver = false;
        if (text) this.failed(text);
      }

      listen() {
        const { form, section } = this;
        form.addEventListener("input", (event) => event.target.name && event.target.name !== "files" && this.touch());
        form.addEventListener("editor:input", () => this.touch());
        form.addEventListener("submit", (event) => {
          event.preventDefault();
          if (event.submitter?.matches("[data-keep]")) this.keepMine(event.submitter.value);
          else this.save();
        });
        form.addEventListener("keydown", (event) => {
          if (event.key !== "Enter") return;
          if (event.ctrlKey || event.metaKey) {
            event.preventDefault();
            this.send();
          } else if (event.target.matches(".draft-recipients")) {
            event.preventDefault();
            const typed = event.target.value.trimEnd();
            if (typed && !/[,;]$/.test(typed)) event.target.value = `${typed}, `;
          } else if (event.target.id === "draft-subject") {
            event.preventDefault();
            this.editor.focus();
          }
        });
        form.addEventListener("editor:send", () => this.send());
        form.addEventListener("editor:files", ({ detail }) => this.upload(detail));
        // Before htmx hears of it: what stands in the editor goes along.
        form.addEventListener("click", (event) => event.target.closest("[data-send]") && this.sendOrWait(event), true);
        find("[data-discard]", form).addEventListener("click", () => (this.isOver = true), true);
        find("[data-discard-opener]", form).addEventListener("click", (event) => {
          if (this.isDirty || this.isSaving || "touched" in section.dataset || find("[data-state]", form).textContent) return;
          event.preventDefault();
          find("[data-discard]", form).click();
        });
        form.addEventListener("change", (event) => {
          if (event.target.matches("[data-upload]")) {
            this.upload([...event.target.files]);
            event.target.value = "";
          } else if (event.target.id === "draft-account") this.changeAccount();
        });
        form.addEventListener("click", (event) => {
          if (!event.target.closest("[data-newer]")) return;
          event.preventDefault();
          this.showNewer(event.target.closest("[data-newer]").href);
        });
        this.listenToDrops();
        section.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
          if (ctx.response.status >= 400) this.back(ctx.response.status === 401 ? phrase("Not sent: you are signed out.") : "");
          if (ctx.response.status === 409) this.isHeld = true;
        });
        section.addEventListener("htmx:error", () => this.back(phrase("Not sent: no connection. Your text is kept.")));
      }

      send() {
        find(".composer-actions > [data-send]", this.form).click();
      }

      keepMine(revision) {
        find("[name=revision]", this.form).value = revision;
        this.isHeld = false;
        this.isDirty = true;
        this.save();
        this.editor.focus();
      }

      async showNewer(path) {
        const query = new URLSearchParams({ place: this.form.elements.place.value });
        const answer = await fetch(withArguments(path, query), { headers: PARTIAL }).catch(() => null);
        if (!answer?.ok) return this.say(phrase("The newer version cannot be had without a connection. Try again."));
        this.isOver = true;
        place(await answer.text());
        window.composing();
      }
    }

    Object.assign(Draft.prototype, window.uploads);
    const opened = new Set();
    const drafts = () => all("[data-composer]").flatMap((section) => section.draft ?? []);
    document.addEventListener("visibilitychange", () => document.hidden && drafts().forEach((draft) => draft.save()));
    document.addEventListener("resumed", () => drafts().forEach((draft) => draft.save()));
    addEventListener("online", () => drafts().forEach((draft) => draft.save()));
    document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
      drafts().forEach((draft) => ctx?.target?.contains?.(draft.section) && draft.save());
    });
    addEventListener("beforeunload", (event) => {
      if ([...opened].some((draft) => !draft.leave())) event.preventDefault();
    });

    window.composing = () => {
      opened.forEach((draft) => !draft.section.isConnected && !draft.isUnsaved && opened.delete(draft));
      all("[data-composer]").forEach((section) => section.draft || opened.add(new Draft(section)));
    };
    document.addEventListener("htmx:after:swap", () => {
      window.composing();
      drafts().forEach((draft) => find(".composer-head [aria-invalid=true], .draft-questions", draft.section) && draft.stand());
    });
    window.composing();
  };

  const start = () => window.writing && window.uploads && begin();
  document.addEventListener("writing", start);
  start();
})();
