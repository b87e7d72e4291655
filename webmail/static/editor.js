/* The editor inside its frame: Squire, cleaned by DOMPurify, and what the page around it asks for and is told.

The page calls `editor.…`; it is told by events on the frame's element: editor:ready, failed, input, state, height,
send, link, files, pictures. The server cleans again what comes of it. */
"use strict";

(() => {
  const frame = window.frameElement;
  if (!frame) return;
  const tell = (name, detail) => frame.dispatchEvent(new CustomEvent(`editor:${name}`, { bubbles: true, detail }));
  if (!window.Squire || !window.DOMPurify) {
    tell("failed");
    return;
  }

  const root = document.getElementById("editor");
  root.setAttribute("aria-label", frame.title);
  const unwanted = /^(position|z-index|inset|top|left|right|bottom|transform|animation|content|cursor|filter)/;
  const own = new Set(["webmail-signature", "webmail-quote"]);
  let pictures = {};
  let quote = null;
  let known = "";

  DOMPurify.addHook("afterSanitizeAttributes", (node) => {
    if (node.classList?.length) node.className = [...node.classList].filter((each) => own.has(each)).join(" ");
    if (node.getAttribute("class") === "") node.removeAttribute("class");
    // Nothing that was pasted may cover the rest or reach the network.
    for (const name of [...(node.style ?? [])]) {
      if (unwanted.test(name) || /url\(/i.test(node.style.getPropertyValue(name))) node.style.removeProperty(name);
    }
  });
  const clean = (html) => {
    const fragment = DOMPurify.sanitize(html, {
      RETURN_DOM_FRAGMENT: true,
      USE_PROFILES: { html: true },
      FORBID_TAGS: "style form input button textarea select option dialog details summary audio video source track".split(" "),
      FORBID_ATTR: ["id", "name", "srcset", "background", "contenteditable", "tabindex"],
      ALLOW_DATA_ATTR: false,
      ALLOW_ARIA_ATTR: false,
    });
    for (const image of fragment.querySelectorAll("img")) {
      const source = image.getAttribute("src") ?? "";
      if (source.startsWith("cid:")) image.src = pictures[source.slice(4)] ?? source;
      else if (!/^(https?:|data:image\/)/i.test(source) && !Object.values(pictures).includes(source)) image.remove();
    }
    return document.importNode(fragment, true);
  };
  const stored = (html) => {
    let result = html;
    for (const [cid, path] of Object.entries(pictures)) result = result.replaceAll(`src="${path}"`, () => `src="cid:${cid}"`);
    return result;
  };

  const squire = new Squire(root, {
    blockTag: "DIV",
    tagAttributes: { blockquote: { type: "cite", style: "margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex" } },
    sanitizeToDOMFragment: clean,
    didError: (error) => console.warn("editor", error.name),
  });

  /* A signature that is one line of text would be split in two by Enter: it gets a block inside. */
  const blocks = "address, blockquote, center, div, dl, h1, h2, h3, h4, h5, h6, hr, ol, p, pre, section, table, ul";
  const settle = (box) => {
    const [first, second] = box.children;
    // Room between what will be written and the signature.
    if (second?.className === "webmail-signature" && !first.textContent.trim() && !first.querySelector("img")) {
      first.after(first.cloneNode(true));
    }
    for (const signature of box.querySelectorAll(":scope > .webmail-signature")) {
      if (signature.querySelector(blocks)) continue;
      const block = document.createElement("div");
      block.append(...signature.childNodes);
      signature.append(block);
    }
  };

  const isIn = (tag) => new RegExp(`(?:^|>)${tag}(?:[.#\\[>]|$)`).test(squire.getPath());
  const nearest = (selector) => {
    const at = squire.getSelection().startContainer;
    const element = (at.nodeType === Node.ELEMENT_NODE ? at : at.parentElement)?.closest(selector);
    return root.contains(element) ? element : null;
  };
  const state = () => ({
    bold: squire.hasFormat("B"),
    italic: squire.hasFormat("I"),
    underline: squire.hasFormat("U"),
    list: isIn("UL") || Boolean(nearest("ul")),
    numbers: isIn("OL") || Boolean(nearest("ol")),
    quote: Boolean(nearest("blockquote")),
    link: nearest("a")?.getAttribute("href") ?? "",
  });
  const toggle = (name, on, off) => () => (state()[name] ? off() : on());
  const commands = {
    bold: toggle("bold", () => squire.bold(), () => squire.removeBold()),
    italic: toggle("italic", () => squire.italic(), () => squire.removeItalic()),
    underline: toggle("underline", () => squire.underline(), () => squire.removeUnderline()),
    list: toggle("list", () => squire.makeUnorderedList(), () => squire.removeList()),
    numbers: toggle("numbers", () => squire.makeOrderedList(), () => squire.removeList()),
    quote: toggle("quote", () => squire.increaseQuoteLevel(), () => squire.decreaseQuoteLevel()),
    clear: () => squire.removeAllFormatting(),
  };

  window.editor = {
    /* Show HTML. `cids`: where the pictures inside are to be had; `folds`: hold the quote back until it is asked for;
       `isSignature`: it is one itself. */
    load(html, { cids = {}, folds = false, isSignature = false } = {}) {
      pictures = cids;
      root.classList.toggle("webmail-signature", isSignature);
      const box = document.createElement("div");
      box.append(clean(html));
      quote = folds ? box.querySelector(":scope > .webmail-quote:last-child") : null;
      quote?.remove();
      settle(box);
      squire.setHTML(box.innerHTML);
      squire.moveCursorToStart();
      known = squire.getHTML();
      tell("state", state());
      return Boolean(quote);
    },
    html() {
      return stored(squire.getHTML() + (quote ? quote.outerHTML : ""));
    },
    unfold() {
      if (!quote) return;
      root.append(quote);
      quote = null;
      known = squire.getHTML();
    },
    isEmpty: () => !root.textContent.trim() && !root.querySelector("img") && !quote,
    run(command) {
      commands[command]();
      squire.focus();
      tell("state", state());
    },
    link(address) {
      squire.focus();
      if (!address) squire.removeLink();
      else if (squire.getSelection().collapsed && !state().link) {
        const link = document.createElement("a");
        link.href = address;
        link.textContent = address.replace(/^(https?:\/\/|mailto:|tel:)/, "");
        squire.insertHTML(link.outerHTML);
      } else squire.makeLink(address);
      tell("state", state());
    },
    /* Put something where the cursor is. */
    insert(html) {
      squire.focus();
      squire.insertHTML(html);
      known = squire.getHTML();
      tell("input");
      tell("state", state());
    },
    /* Put a picture where the cursor is: `path` is where it is to be had, `cid` its Content-ID, "" for a data: URL. */
    picture(cid, path, alt) {
      if (cid) pictures = { ...pictures, [cid]: path };
      squire.focus();
      squire.insertImage(path, { alt: alt ?? "", style: "max-width:100%;height:auto" });
      tell("input");
    },
    focus: () => squire.focus(),
  };

  squire.addEventListener("input", () => {
    // Squire also tells of its own tidying up, with which nobody has written anything.
    const now = squire.getHTML();
    if (now === known) return;
    known = now;
    tell("input");
  });
  for (const name of ["pathChange", "select", "cursor", "focus"]) squire.addEventListener(name, () => tell("state", state()));
  for (const name of ["focus", "blur"]) root.addEventListener(name, () => tell(name));

  const isCommand = (event) => (event.ctrlKey || event.metaKey) && !event.altKey;
  root.addEventListener(
    "keydown",
    (event) => {
      if (!isCommand(event)) return;
      const asked = { Enter: "send", k: "link" }[event.key];
      if (event.key === "\\") {
        event.preventDefault();
        window.editor.run("clear");
      } else if (asked) {
        event.preventDefault();
        event.stopImmediatePropagation();
        tell(asked);
      }
    },
    true,
  );

  /* Pictures that are dropped or pasted go into the text, other files are attached. */
  const isPicture = (file) => /^image\/(png|jpeg|gif|webp)$/.test(file.type);
  const tellFiles = (files) => {
    const [shown, others] = [[...files].filter(isPicture), [...files].filter((file) => !isPicture(file))];
    if (shown.length) tell("pictures", shown);
    if (others.length) tell("files", others);
  };
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  root.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault(), true);
  root.addEventListener(
    "drop",
    (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const range = document.caretRangeFromPoint?.(event.clientX, event.clientY);
      if (range && root.contains(range.startContainer)) squire.setSelection(range);
      tellFiles(event.dataTransfer.files);
    },
    true,
  );
  squire.addEventListener("pasteImage", ({ detail: { clipboardData } }) => tellFiles(clipboardData.files));

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link) return;
    event.preventDefault();
    if (isCommand(event)) window.open(link.href, "_blank", "noopener,noreferrer");
  });

  new ResizeObserver(() => tell("height", Math.ceil(root.scrollHeight))).observe(root);
  tell("ready");
})();
