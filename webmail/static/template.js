/* A mail template being written: its editor, its merge fields, and its preview. Without it everything is a plain form. */
"use strict";

(() => {
  const begin = () => {
    const { find, Editor } = window.writing;
    const form = find("[data-mail-template]");
    const subject = find("[name=subject]", form);
    const preview = find("[name=template-preview]");
    const editor = new Editor(find("[data-editor]", form));
    let isDirty = false;
    let isInSubject = false;

    const touch = () => {
      isDirty = true;
      const state = find("[data-state]", form);
      if (state) state.textContent = phrase("Not saved yet");
    };
    const fit = () => {
      const height = preview.contentDocument?.documentElement.scrollHeight;
      if (height) preview.style.height = `${Math.min(Math.max(height + 2, 120), 900)}px`;
    };
    const insert = (field) => {
      if (isInSubject) {
        subject.focus();
        subject.setRangeText(field, subject.selectionStart, subject.selectionEnd, "end");
      } else editor.insert(field.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;"), field);
      touch();
    };

    preview.addEventListener("load", fit);
    fit();
    form.addEventListener("focusin", ({ target }) => {
      if (!target.closest(".menu")) isInSubject = target === subject;
    });
    form.addEventListener("editor:state", () => (isInSubject = false), true);
    addEventListener("blur", () => {
      if (document.activeElement === editor.frame) isInSubject = false;
    });
    form.addEventListener("input", ({ target }) => target.name && touch());
    form.addEventListener("editor:input", touch);
    form.addEventListener("editor:send", () => find("[data-save]", form).click());
    form.addEventListener(
      "click",
      (event) => {
        editor.write();
        const button = event.target.closest("[data-insert]");
        if (!button) return;
        button.closest("details").open = false;
        insert(button.dataset.insert);
      },
      true,
    );
    // What is shown in the frame is no business of htmx.
    document.addEventListener(
      "submit",
      (event) => {
        if (!event.submitter?.formTarget) return;
        event.stopImmediatePropagation();
        preview.scrollIntoView({ block: "nearest" });
      },
      true,
    );
    form.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
      if (ctx.response.status !== 200) return;
      isDirty = false;
      if (preview.hasAttribute("src")) preview.src = preview.getAttribute("src");
    });
    form.addEventListener("submit", () => !form.hasAttribute("hx-post") && (isDirty = false));
    addEventListener("beforeunload", (event) => isDirty && event.preventDefault());
  };

  if (window.writing) begin();
  else document.addEventListener("writing", begin, { once: true });
})();
