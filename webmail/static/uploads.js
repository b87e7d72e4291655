/* Files of a draft: attached with progress, and pictures put into the text. The composer takes these methods over. */
"use strict";

(() => {
  if (window.uploads) return;
  const begin = () => {
    const { PARTIAL, find, all, make, place, askToSignIn } = window.writing;
    const uploads = {
      /* Put pictures into the text where the cursor is; where there is no rich text, they are attached. */
      putPictures(files) {
        if (!this.editor.isRich) return this.upload(files);
        for (const file of files) {
          const after = Promise.resolve(this.uploads).then(() => this.putPicture(file));
          this.uploads = after;
          after.finally(() => this.uploads === after && (this.uploads = null));
        }
      },

      async putPicture(file) {
        const fields = new FormData();
        fields.append("csrf_token", this.form.elements.csrf_token.value);
        fields.append("picture", file, file.name || "picture");
        this.say(phrase("Putting the picture in"));
        const options = { method: "POST", body: fields, headers: PARTIAL, credentials: "same-origin" };
        const answer = await fetch(find("[data-upload]", this.form).dataset.pictures, options).catch(() => null);
        this.say("");
        if (answer?.ok) {
          const { cid, path } = await answer.json();
          this.editor.api.picture(cid, path, file.name.replace(/\.\w+$/, ""));
        } else if (answer?.status === 401) askToSignIn();
        else if (answer) place(await answer.text());
        else this.say(phrase("The picture was not put in: no connection."));
      },

      upload(files) {
        for (const file of files) {
          const after = Promise.resolve(this.uploads).then(() => this.uploadOne(file));
          this.uploads = after;
          after.finally(() => this.uploads === after && (this.uploads = null));
        }
      },

      uploadOne(file) {
        const input = find("[data-upload]", this.form);
        const box = find(".composer-files", this.form);
        const list = find(".file-list", box) ?? box.insertBefore(make("ul", { class: "file-list" }), box.firstChild);
        const row = make("li", { class: "file is-uploading" });
        const bar = make("progress", { max: "1", value: "0", "aria-label": phrase("Attaching %(name)s", file) });
        row.append(make("span", { class: "file-name" }, file.name), bar);
        list.append(row);
        box.scrollIntoView({ block: "nearest" });
        const fields = new FormData();
        fields.append("csrf_token", this.form.elements.csrf_token.value);
        fields.append("files", file);
        return new Promise((resolve) => {
          const request = new XMLHttpRequest();
          request.open("POST", input.dataset.upload);
          Object.entries(PARTIAL).forEach(([name, value]) => request.setRequestHeader(name, value));
          request.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = total ? loaded / total : 0));
          const failed = (sentence) => {
            row.classList.remove("is-uploading");
            row.classList.add("is-refused");
            bar.replaceWith(make("span", { class: "file-problem", role: "alert" }, sentence), this.retryButton(row, file));
          };
          request.addEventListener("load", () => {
            if (request.status === 200 || request.status === 422) {
              const waiting = all(".is-refused", box).filter((each) => each !== row);
              place(request.responseText);
              this.restoreRows(waiting);
            } else if (request.status === 401) {
              failed(phrase("Not attached: you are signed out."));
              askToSignIn();
            } else if (request.status === 413) {
              failed(phrase("Not attached: this file is too large for a mail. Send a link to it instead."));
            } else {
              failed(phrase("Not attached: the server did not take it."));
            }
            resolve();
          });
          request.addEventListener("error", () => {
            failed(phrase("Not attached: no connection."));
            resolve();
          });
          request.send(fields);
        });
      },

      retryButton(row, file) {
        const button = make("button", { type: "button", class: "link-button" }, phrase("Try again"));
        button.addEventListener("click", () => {
          row.remove();
          this.upload([file]);
        });
        return button;
      },

      restoreRows(rows) {
        if (!rows.length) return;
        const box = find(".composer-files", this.form);
        const list = find(".file-list", box) ?? box.insertBefore(make("ul", { class: "file-list" }), box.firstChild);
        list.append(...rows);
      },

      listenToDrops() {
        const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
        this.section.addEventListener("dragover", (event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          this.section.classList.add("is-dropping");
        });
        this.section.addEventListener("dragleave", (event) => {
          if (!this.section.contains(event.relatedTarget)) this.section.classList.remove("is-dropping");
        });
        this.section.addEventListener("drop", (event) => {
          if (!hasFiles(event)) return;
          event.preventDefault();
          this.section.classList.remove("is-dropping");
          this.upload([...event.dataTransfer.files]);
        });
      },
    };
    window.uploads = uploads;
    document.dispatchEvent(new CustomEvent("writing"));
  };
  if (window.writing) begin();
  else document.addEventListener("writing", begin, { once: true });
})();
