/* Signatures: their editor, and how each will stand under a mail. */
"use strict";

(() => {
  const settle = () => window.writing && document.querySelectorAll("[data-signature]").forEach((form) => form.hasEditor || start(form));
  const start = (form) => {
    const { find, Editor } = window.writing;
    form.hasEditor = true;
    const editor = new Editor(find("[data-editor]", form));
    const preview = find(".signature-preview iframe", form);
    const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    const fills = Object.fromEntries(Object.entries(JSON.parse(form.dataset.fills)).map(([name, text]) => [name, escaped(text)]));
    const said = () => find("[data-state]", form);
    const show = () => {
      const target = preview.contentDocument?.getElementById("signature");
      if (!target || !editor.isRich) return;
      editor.write();
      target.innerHTML = editor.html.value.replace(/\{\{\s*user\.(\w+)\s*\}\}/g, (field, name) => fills[name] ?? field);
      preview.style.height = `${preview.contentDocument.documentElement.scrollHeight}px`;
    };
    preview.addEventListener("load", show);
    form.addEventListener("editor:shown", show);
    form.addEventListener("editor:input", () => {
      if (said()) said().textContent = phrase("Not saved yet");
      show();
    });
    // What was taken away, or brought back, shows in the editor once the server has done it.
    form.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
      const { submitter } = ctx.request;
      if (ctx.response.status !== 200 || !editor.isRich || !["remove", "undo"].includes(submitter?.name)) return;
      editor.api.load(submitter.name === "undo" ? submitter.value : "", { isSignature: true });
      show();
    });
    form.addEventListener("click", () => editor.write(), true);
    form.addEventListener("editor:send", () => find("[data-save]", form).click());
  };

  if (!window.signatures) {
    window.signatures = settle;
    document.addEventListener("htmx:after:swap", settle);
    document.addEventListener("writing", settle);
  }
  settle();
})();
