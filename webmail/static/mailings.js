/* A mailing being written: it saves itself, its texts have editors, and what is inserted goes where the cursor is.
Without it everything here is a plain form. */
"use strict";

(() => {
  const SAVE_AFTER_MS = 1000;
  const SAVE_AT_LEAST_MS = 8000;
  const CATCH_UP_MS = 500;
  const LEFT = "left-mailing";

  const begin = () => {
    const { PARTIAL, find, all, place, post, withArguments, askToSignIn, Editor } = window.writing;

    class Mailing {
      constructor(form) {
        this.form = form;
        form.mailing = this;
        this.editors = all("[data-editor]", form).map((box) => new Editor(box));
        this.isDirty = false;
        this.isHeld = Boolean(find("[data-keep]", form));
        this.retryMs = 2000;
        this.saving = Promise.resolve();
        this.listen();
        this.catchUp();
      }

      get isUnsaved() {
        return this.isDirty || this.isSaving;
      }

      say(text) {
        find("[data-state]", this.form).textContent = text;
      }

      touch() {
        this.isDirty = true;
        this.firstTouched ??= Date.now();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.save(), Date.now() - this.firstTouched > SAVE_AT_LEAST_MS ? 0 : SAVE_AFTER_MS);
      }

      save() {
        clearTimeout(this.timer);
        this.saving = this.saving.then(() => this.store());
        return this.saving;
      }

      fields() {
        this.editors.forEach((editor) => editor.write());
        const fields = new FormData(this.form);
        // What only serves to choose somebody or something is not the mailing's.
        all("[data-unsaved]", this.form).forEach((each) => fields.delete(each.name));
        return fields;
      }

      async store() {
        if (!this.isDirty || this.isHeld || this.isOver) return;
        const fields = this.fields();
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

      async take(answer) {
        if (answer.ok) {
          this.retryMs = 2000;
          place(await answer.text());
          all(".draft-conflict, .draft-problems", this.form).forEach((each) => each.remove());
          document.body.dispatchEvent(new CustomEvent("mailing-saved", { bubbles: true }));
        } else if (answer.status === 401) {
          this.isDirty = true;
          this.say(phrase("Not saved: you are signed out."));
          askToSignIn();
        } else if (answer.status === 409 || answer.status === 422) {
          this.isDirty = true;
          this.isHeld = answer.status === 409;
          place(await answer.text());
          this.say(phrase("Not saved."));
        } else if (answer.status === 404) {
          this.isDirty = this.isHeld = true;
          this.say(phrase("Not saved: this mailing was deleted in another tab. Copy what you need."));
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

      /* Save while the page goes away; says whether that can be relied on. */
      leave() {
        if (!this.isUnsaved || this.isOver) return true;
        const fields = this.fields();
        const size = [...fields.values()].reduce((sum, value) => sum + encodeURIComponent(value).length, 0);
        if (this.isHeld || this.uploads || size > 60000 || this.retryMs > 2000 || !navigator.onLine) return false;
        fetch(this.form.action, { method: "POST", headers: PARTIAL, keepalive: true, body: new URLSearchParams(fields) }).catch(() => {});
        // A reload may be answered before this has arrived.
        sessionStorage.setItem(LEFT, JSON.stringify({ action: this.form.action, revision: fields.get("revision") }));
        return true;
      }

      /* What was saved on the way out of the page before this one may be newer than what came with this page. */
      catchUp() {
        const { action, revision } = JSON.parse(sessionStorage.getItem(LEFT) ?? "{}");
        if (action !== this.form.action) return;
        sessionStorage.removeItem(LEFT);
        if (revision === find("[name=revision]", this.form).value) setTimeout(() => this.isDirty || location.reload(), CATCH_UP_MS);
      }

      /* The number stands on the button; the text is the one around it. */
      editorAt(element) {
        return find("[data-editor]", element.closest("[data-editor-part]")).editor;
      }

      async insertSignature(button) {
        const editor = this.editorAt(button);
        const account = find("[name=account]", this.form).value;
        const path = withArguments(this.form.dataset.signaturePath, Object.entries({ account }));
        const answer = await fetch(path, { headers: PARTIAL }).catch(() => null);
        if (answer?.status === 401) return askToSignIn();
        const text = answer && (answer.ok || answer.status === 422) ? await answer.text() : phrase("The signature cannot be had without a connection. Try again.");
        if (!answer?.ok) return editor.say(text);
        editor.say("");
        editor.insert(`<div class="webmail-signature">${text}</div>`, `-- \n${text.replace(/<[^>]+>/g, "\n").trim()}`);
        this.touch();
      }

      async useTemplate(button) {
        const part = button.closest("[data-editor-part]");
        const editor = this.editorAt(button);
        const template = find("[data-template]", part).value;
        if (!template) return;
        const path = withArguments(this.form.dataset.templatePath, Object.entries({ template }));
        const answer = await fetch(path, { headers: PARTIAL }).catch(() => null);
        if (answer?.status === 401) return askToSignIn();
        if (!answer?.ok || !editor.isRich) return answer?.ok ? this.submit(button) : editor.say(phrase("The template cannot be had. Try again in a moment."));
        const { subject, html } = await answer.json();
        const subjectField = find("[name=subject]", part);
        editor.write();
        const before = { html: editor.html.value, subject: subjectField?.value };
        const show = (text, title) => {
          editor.api.load(text, { cids: {}, folds: false });
          if (subjectField && title) subjectField.value = title;
          this.touch();
        };
        show(html, subject);
        find("[data-template-used]", part).value = template;
        editor.say(phrase("The template is in."), phrase("Undo"), () => {
          show(before.html, before.subject);
          editor.say("");
        });
      }

      /* A button that leads to another state of the page: saved first, one thing at a time. */
      async submit(button) {
        button.setAttribute("aria-disabled", "true");
        await this.save();
        await this.uploads;
        button.removeAttribute("aria-disabled");
        if (this.isHeld && !("discards" in button.dataset)) return;
        this.fields();
        this.isOver = true;
        this.form.requestSubmit(button);
      }

      upload(files) {
        for (const file of files) {
          const after = Promise.resolve(this.uploads).then(() => this.uploadOne(file));
          this.uploads = after;
          after.finally(() => this.uploads === after && (this.uploads = null));
        }
      }

      async uploadOne(file) {
        await this.save();
        const input = find("[data-upload]", this.form);
        const fields = new FormData();
        fields.append("csrf_token", this.form.elements.csrf_token.value);
        fields.append("revision", find("[name=revision]", this.form).value);
        fields.append("files", file);
        this.say(phrase("Attaching %(name)s…", file));
        const answer = await post(input.dataset.upload, fields).catch(() => null);
        if (answer?.status === 401) askToSignIn();
        if (answer && (answer.ok || answer.status === 422)) place(await answer.text());
        else this.say(answer?.status === 413 ? phrase("Not attached: %(name)s is too large for a mail.", file) : phrase("Not attached: %(name)s. Try again.", file));
      }

      keepMine(revision) {
        find("[name=revision]", this.form).value = revision;
        this.isHeld = false;
        this.isDirty = true;
        this.save();
      }

      onClick(event) {
        const button = event.target.closest("button");
        if (!button || this.isOver) return;
        const { dataset } = button;
        if ("keep" in dataset) {
          event.preventDefault();
          this.keepMine(button.value);
        } else if ("insert" in dataset) {
          const editor = this.editorAt(button);
          const { insert } = dataset;
          button.closest("details").open = false;
          editor.insert(insert.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;"), insert);
          this.touch();
        } else if ("insertSignature" in dataset || "useTemplate" in dataset || "leaves" in dataset || "save" in dataset) {
          event.preventDefault();
          if ("insertSignature" in dataset) this.insertSignature(button);
          else if ("useTemplate" in dataset) this.useTemplate(button);
          else if ("leaves" in dataset) this.submit(button);
          else this.save();
        } else if (button.hasAttribute("hx-post") && this.isUnsaved && !this.isHeld) {
          // A change to the recipients raises the revision: what was typed goes first.
          event.preventDefault();
          event.stopImmediatePropagation();
          this.save().then(() => this.isHeld || button.click());
        }
      }

      listen() {
        const { form } = this;
        form.addEventListener("input", ({ target }) => target.name && !("unsaved" in target.dataset) && this.touch());
        form.addEventListener("editor:input", () => this.touch());
        form.addEventListener("editor:send", () => this.save());
        form.addEventListener("editor:files", ({ detail }) => this.upload(detail));
        form.addEventListener("click", (event) => this.onClick(event), true);
        form.addEventListener("change", ({ target }) => {
          if (!target.matches("[data-upload]")) return;
          this.upload([...target.files]);
          target.value = "";
        });
        form.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" || !event.target.matches("#find-contacts")) return;
          event.preventDefault();
          event.target.parentElement.querySelector("button").click();
        });
      }
    }

    // A preview is as tall as its mail.
    document.addEventListener(
      "load",
      ({ target }) => {
        if (!target.matches?.(".preview-body") || !target.contentDocument) return;
        target.style.height = `${Math.max(Math.ceil(target.contentDocument.body.getBoundingClientRect().height), 96) + 2}px`;
      },
      true,
    );
    // What was taken in need not stand there any more.
    document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
      if (ctx.response.status !== 200 || !ctx.sourceElement.closest?.("#from-paste")) return;
      find("#pasted").value = "";
    });
    const form = find("[data-mailing]");
    const mailing = new Mailing(form);
    find("[aria-invalid=true]", form)?.focus();
    document.addEventListener("visibilitychange", () => document.hidden && mailing.save());
    document.addEventListener("resumed", () => mailing.save());
    addEventListener("online", () => mailing.save());
    addEventListener("beforeunload", (event) => !mailing.leave() && event.preventDefault());
    // Starting and testing are about what is stored: what was typed a moment ago goes first.
    document.addEventListener(
      "submit",
      (event) => {
        if (!event.target.matches("[data-after-saving]") || !mailing.isUnsaved) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const { target, submitter } = event;
        mailing.save().then(() => mailing.isDirty || target.requestSubmit(submitter));
      },
      true,
    );
  };

  if (window.writing) begin();
  else document.addEventListener("writing", begin, { once: true });
})();
