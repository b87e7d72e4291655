/* The mail pages, livelier: the list keeps its place, the frames their height, and the keyboard reaches everything. */
"use strict";

(() => {
  const body = document.body;
  const by = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const conversation = () => document.querySelector("#conversation > .conversation");
  const openUuid = () => conversation()?.dataset.conversation ?? "";
  const rows = () => all("#rows .conversation-row");
  const selected = () => document.querySelector("#rows .conversation-row[aria-current]");
  const isNarrow = () => matchMedia("(width < 720px)").matches;
  const reread = () => htmx.trigger(body, "resumed");
  /* To those who hear the page: arrivals and results. */
  const say = (words) => by("said") && (by("said").textContent = words);

  /* What people have opened, and what was measured, is not undone when a part of the page is read again. */
  htmx.registerExtension("mail", {
    htmx_before_morph_attr: (element, { attrName }) =>
      !((attrName === "open" && element.tagName === "DETAILS") || (attrName === "style" && element.tagName === "IFRAME")),
  });

  /* Frames: as tall as what they show. They run no script, so it is measured from here. */
  const watched = new WeakSet();
  const fit = (frame) => {
    const page = frame.contentDocument?.body;
    const mail = page?.querySelector(".mail");
    if (!page || !frame.clientWidth) return;
    if (mail) {
      // Wide mail shrinks to the pane, but not below what can be read; what is still too wide scrolls.
      mail.style.zoom = "";
      const excess = page.scrollWidth / page.clientWidth;
      if (excess > 1.02) mail.style.zoom = Math.max(1 / excess, 0.5);
    }
    const bar = page.scrollWidth > page.clientWidth + 1 ? 16 : 0;
    const tall = Math.max(Math.ceil(page.getBoundingClientRect().height) + bar, 24);
    if (Math.abs(tall - frame.offsetHeight) > 1) keepingPlace(() => (frame.style.height = `${tall}px`));
  };
  const watch = (frame) => {
    const page = frame.contentDocument?.body;
    if (!page || watched.has(page)) return;
    watched.add(page);
    fit(frame);
    new ResizeObserver(() => fit(frame)).observe(page);
    frame.contentDocument.addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey }) =>
      body.dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey, metaKey, altKey, bubbles: true })),
    );
  };
  document.addEventListener("load", ({ target }) => target.matches?.("iframe.message-frame") && watch(target), true);
  addEventListener("resize", () => all("iframe.message-frame").forEach(fit));

  /* Nothing that is being read moves: what stands at the top of a pane still stands there after a change. */
  const keepPlace = (pane, selector) => {
    const top = pane?.getBoundingClientRect().top ?? 0;
    const mark = pane?.scrollTop ? all(selector, pane).find((each) => each.getBoundingClientRect().bottom > top) : null;
    if (!mark) return () => {};
    const before = mark.getBoundingClientRect().top;
    return () => {
      const now = mark.id ? by(mark.id) : mark;
      if (now) pane.scrollTop += now.getBoundingClientRect().top - before;
    };
  };
  const keepingPlace = (change) => {
    const restore = keepPlace(by("conversation-scroll"), ".message");
    change();
    restore();
  };

  /* The list is read again after news: as deep as it is scrolled, beside what is open. */
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.id !== "list") return;
    ctx.request.body.set("rows", rows().length);
    if (openUuid()) ctx.request.body.set("open", openUuid());
  });
  const before = {};
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    const source = ctx.sourceElement?.id;
    if (source === "list") {
      before.list = { ids: new Set(rows().map((row) => row.id)), restore: keepPlace(by("list-scroll"), ".conversation-row") };
    } else if (source === "messages") {
      before.messages = { restore: keepPlace(by("conversation-scroll"), ".message") };
    }
  });
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    const source = ctx.sourceElement?.id;
    if (before[source]) {
      before[source].restore();
      if (source === "list") showNews(before.list.ids);
      markOpen();
      delete before[source];
    }
    if (ctx.target?.id === "conversation" && conversation()) opened(ctx.isAhead);
    if (source === "search") {
      body.classList.remove("is-reading");
      const count = `${rows().length}${by("rows-more") ? "+" : ""}`;
      say(rows().length ? phrase("Found: %(count)s", { count }) : phrase("Nothing found"));
    }
    showSelection();
    if (ctx.target?.id === "composer-slot") by("composer-slot").scrollIntoView({ block: "nearest" });
    readWhileOpen();
  });
  document.addEventListener("htmx:finally:swap", () => showUnread());
  const showNews = (known) => {
    const fresh = known.size ? rows().filter((row) => !known.has(row.id)) : [];
    const unread = fresh.filter((row) => row.classList.contains("is-unread"));
    if (unread.length === 1) say(phrase("New mail from %(name)s", { name: unread[0].querySelector(".row-senders").textContent }));
    else if (unread.length) say(phrase("%(count)s new", { count: unread.length }));
    const scroll = by("list-scroll");
    const above = fresh.filter((row) => row.getBoundingClientRect().bottom <= scroll.getBoundingClientRect().top + 4);
    if (!above.length) fresh.forEach((row) => row.parentElement.classList.add("is-new"));
    const pill = by("new-pill");
    const count = above.length + (pill.hidden ? 0 : Number(pill.dataset.count));
    if (above.length) {
      pill.dataset.count = count;
      pill.textContent = phrase("%(count)s new", { count });
      pill.hidden = false;
    }
  };
  document.addEventListener("scroll", ({ target }) => {
    if (target.id === "list-scroll" && target.scrollTop < 8) by("new-pill").hidden = true;
  }, true);
  const showUnread = () => {
    const unread = Number(by("rail-body")?.dataset.unread ?? 0);
    const title = document.title.replace(/^\(\d+\) /, "");
    document.title = unread ? `(${unread}) ${title}` : title;
  };

  /* The open conversation: read again when it changed, marked as read when somebody looks at it. */
  const dataOf = (event) => {
    try {
      return JSON.parse(event.detail.data);
    } catch {
      return {};
    }
  };
  const changed = () => by("messages") && htmx.trigger(by("messages"), "open-changed", {}, false);
  // News may belong to what is open; a change without a uuid is one of several.
  body.addEventListener("mail-new", changed);
  body.addEventListener("conversation-changed", (event) => [openUuid(), ""].includes(dataOf(event).uuid) && changed());
  body.addEventListener("submission-changed", (event) => {
    if (document.querySelector(`[data-submission="${CSS.escape(dataOf(event).uuid ?? "")}"]`)) changed();
  });
  const readWhileOpen = () => {
    const url = by("messages")?.hasAttribute("data-unread") && conversation()?.dataset.readUrl;
    if (!url || document.hidden || isReading === url) return;
    isReading = url;
    setTimeout(async () => {
      isReading = "";
      if (!document.hidden && conversation()?.dataset.readUrl === url) {
        by("messages")?.removeAttribute("data-unread");
        await htmx.ajax("POST", url, { source: by("toasts"), target: "#toasts", swap: "none" });
      }
    }, 1200);
  };
  let isReading = "";
  document.addEventListener("visibilitychange", readWhileOpen);

  const opened = (isAhead) => {
    markOpen()?.scrollIntoView({ block: "nearest" });
    by("conversation-scroll")?.focus({ preventScroll: true });
    // The server marks what is opened as read, but not what was fetched ahead.
    if (isAhead && by("messages")?.hasAttribute("data-unread")) {
      htmx.ajax("POST", conversation().dataset.readUrl, { source: by("toasts"), target: "#toasts", swap: "none" });
    }
    by("messages")?.removeAttribute("data-unread");
    body.classList.add("is-reading");
    toNewest();
  };
  /* A long conversation opens at what has not been read, else at its newest message. */
  const toNewest = () => {
    const open = all(".messages > .message[open]");
    const first = open.find((each) => each.classList.contains("is-unread")) ?? open.at(-1);
    const scroll = by("conversation-scroll");
    if (first && scroll) scroll.scrollTop += first.getBoundingClientRect().top - scroll.getBoundingClientRect().top - 4;
  };
  const openRow = () => by(`conversation-${openUuid()}-row`);
  const markOpen = () => {
    const row = openRow();
    if (row !== selected()) selected()?.removeAttribute("aria-current");
    row?.setAttribute("aria-current", "true");
    row?.classList.remove("is-unread");
    return row;
  };

  /* Back to the list, which has stayed where it was. */
  const close = (url) => {
    const row = openRow();
    by("conversation").replaceChildren(by("nothing-open").content.cloneNode(true));
    body.classList.remove("is-reading");
    row?.removeAttribute("aria-current");
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
    document.title = `${by("list-title").textContent.trim()} · ${phrase("Mail")}`;
    showUnread();
    if (url) history.pushState({ htmx: true }, "", url);
  };
  const listUrl = () => document.querySelector("[data-back]")?.getAttribute("href").split("#")[0] ?? "/inbox";
  document.addEventListener("click", (event) => {
    if (event.target.closest("#new-pill")) by("list-scroll").scrollTo({ top: 0, behavior: "instant" });
    const back = event.target.closest("[data-back]");
    if (!back || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    close(listUrl());
  });
  document.addEventListener("htmx:before:history:restore", (event) => {
    const list = new URL(listUrl(), location.href);
    if (location.pathname === "/inbox" && location.search === list.search && conversation()) {
      event.preventDefault();
      close("");
    } else if (location.pathname.startsWith("/conversations/") && location.search === by("list")?.dataset.search) {
      event.preventDefault();
      htmx.ajax("GET", location.pathname + location.search, { target: "#conversation", swap: "innerHTML" });
    }
  });

  /* What was pressed is selected at once, before the conversation is here. */
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (!ctx.sourceElement?.matches?.(".conversation-row")) return;
    selected()?.removeAttribute("aria-current");
    ctx.sourceElement.setAttribute("aria-current", "true");
  });

  /* Archive, delete, mark unread: shown at once; the next conversation opens where there is room beside the list. */
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const leaves = ctx.sourceElement?.dataset?.leaves;
    if (!leaves) return;
    const item = openRow()?.parentElement;
    const next = (item?.nextElementSibling ?? item?.previousElementSibling)?.querySelector(".conversation-row");
    const url = listUrl();
    setTimeout(() => {
      if (leaves !== "mark_unread") item?.remove();
      if (leaves !== "mark_unread" && next && !isNarrow()) return next.click();
      close(url);
      next?.focus({ preventScroll: true });
    });
  });
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    const path = ctx.request.action;
    if (ctx.request.method === "POST" && /^\/conversations\/([^/]+\/(archive|delete|unread|star|move|snooze)(?!s)|selected\/(?!folders|times)|moves|snoozes)/.test(path)) reread();
  });

  /* Stars show at once what they will be, however fast they are pressed. */
  const pressStar = (star, isOn) => star?.setAttribute("aria-pressed", String(isOn));
  const isStarred = (star) => star.getAttribute("aria-pressed") === "true";
  const starUrl = (url, isOn) => url.replace(/\/star(\/undo)?(?=$|\?)/, isOn ? "/star" : "/star/undo");
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const star = ctx.sourceElement?.querySelector?.(":scope > .star");
    if (!star) return;
    const isOn = !isStarred(star);
    ctx.request.action = starUrl(ctx.request.action, isOn);
    pressStar(star, isOn);
    pressStar(openRow()?.parentElement.querySelector(":scope > button"), isOn);
  });
  document.addEventListener("click", (event) => {
    const star = event.target.closest("#rows > li > button");
    if (!star) return;
    event.preventDefault();
    const isOn = !isStarred(star);
    pressStar(star, isOn);
    const url = starUrl(star.getAttribute("formaction"), isOn);
    htmx.ajax("POST", url, { source: star.parentElement, target: "#toasts", swap: "none" });
  });

  /* Several conversations at once: checked by press, with Shift up to where it began, or by x; Escape lets go. */
  const boxes = () => all("#rows input[name=uuid]");
  const checked = () => boxes().filter((box) => box.checked);
  let lastBox = null;
  const check = (box, isChecked, upTo = null) => {
    const list = boxes();
    const ends = [list.indexOf(box), list.indexOf(upTo ?? box)].sort((a, b) => a - b);
    list.slice(Math.max(ends[0], 0), ends[1] + 1).forEach((each) => (each.checked = isChecked));
    lastBox = box;
    showSelection();
  };
  const showSelection = () => {
    const count = by("selection-count");
    if (count) count.textContent = phrase("%(count)s selected", { count: checked().length });
  };
  const unselect = () => {
    boxes().forEach((box) => (box.checked = false));
    showSelection();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-unselect]")) unselect();
    if (event.target.matches("#rows input[name=uuid]")) check(event.target, event.target.checked, event.shiftKey ? lastBox : null);
  });
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const verb = ctx.sourceElement?.dataset?.bulk;
    if (!verb) return;
    const items = checked().map((box) => box.closest("li"));
    const leaves = ["archive", "delete", "move", "snooze"].includes(verb);
    all(".selection-bar details[open]").forEach((menu) => (menu.open = false));
    const closes = leaves && items.some((item) => item.contains(openRow()));
    setTimeout(() => {
      if (verb.startsWith("mark_")) items.forEach((item) => item.querySelector(".conversation-row").classList.toggle("is-unread", verb === "mark_unread"));
      if (verb === "star") items.forEach((item) => item.querySelector(":scope > button").setAttribute("aria-pressed", "true"));
      if (leaves) items.forEach((item) => item.remove());
      if (closes) close(listUrl());
      if (leaves) rows()[0]?.focus({ preventScroll: true });
      showSelection();
    });
  });

  /* What a menu offers is read when it is opened, each time anew; its first choice is where the keyboard goes on. */
  document.addEventListener("toggle", ({ target }) => {
    const ask = target.open && target.querySelector?.("[data-choices]");
    if (!ask) return;
    target.querySelector(".menu-choices").replaceChildren();
    ask.hidden = true;
    ask.click();
  }, true);
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.sourceElement?.matches?.("[data-choices]")) ctx.sourceElement.parentElement.querySelector(".menu-choices .menu-item")?.focus();
  });

  /* Keys: j k o x v b s u e r a f c # /. What they press has a data-key. */
  const onKey = (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    if (target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], [popover]:popover-open")) return;
    if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      step(event.key === "j" ? 1 : -1);
    } else if (event.key === "x" || (event.key === "Escape" && checked().length)) {
      const box = (document.activeElement.closest?.("#rows > li") ?? openRow()?.parentElement)?.querySelector("input[name=uuid]");
      if (event.key === "Escape") unselect();
      else if (box) check(box, !box.checked);
    } else if (event.key === "s" && !conversation() && !checked().length) {
      document.activeElement.closest?.("#rows > li")?.querySelector(":scope > button")?.click();
    } else if (event.key === "o") {
      (document.activeElement.closest?.(".conversation-row") ?? selected() ?? rows()[0])?.click();
    } else {
      const control = all(`[data-key="${CSS.escape(event.key)}"]`).find((each) => each.checkVisibility() || !each.closest(".selection-bar"));
      if (!control) return;
      event.preventDefault();
      if (control.matches("input")) control.select();
      else control.click();
    }
  };
  const step = (by_) => {
    const list = rows();
    const at = list.indexOf(document.activeElement.closest?.(".conversation-row") ?? selected());
    const row = list[Math.min(Math.max(at + by_, 0), list.length - 1)];
    if (!row) return;
    row.scrollIntoView({ block: "nearest" });
    if (conversation()) row.click();
    else row.focus({ preventScroll: true });
  };
  document.addEventListener("keydown", onKey);

  /* A draft that was saved for the first time on the way out may not be on this page yet: see compose.js. */
  const left = JSON.parse(sessionStorage.getItem("left") ?? "{}");
  if (left.page === location.pathname && by("composer-slot")?.childElementCount === 0) {
    sessionStorage.removeItem("left");
    setTimeout(() => htmx.ajax("GET", `${left.action}?place=slot`, { target: "#composer-slot", swap: "innerHTML" }), 500);
  }

  all("iframe.message-frame").forEach((frame) => frame.contentDocument?.readyState === "complete" && watch(frame));
  selected()?.scrollIntoView({ block: "nearest" });
  toNewest();
})();
