/* Suggestions below To, Cc and Bcc. The fields stay plain text: without this they are typed in as they are. */
"use strict";

(() => {
  if (window.recipients) return;
  window.recipients = true;
  const WAIT_MS = 90;
  const isField = (element) => element?.matches?.(".draft-recipients");
  const isWhole = (text) => /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>.]{2,}$|>$/.test(text);
  let list = null;
  let timer;
  let asking;

  /* The recipient at the cursor: where it begins and ends in the field, and what is typed of it. */
  const pieceAt = (field) => {
    const { value, selectionStart: at } = field;
    let start = 0;
    let isQuoted = false;
    for (let index = 0; index < at; index += 1) {
      if (value[index] === '"') isQuoted = !isQuoted;
      else if (!isQuoted && ",;\n".includes(value[index])) start = index + 1;
    }
    const rest = value.slice(at).search(/[,;\n]/);
    const end = rest < 0 ? value.length : at + rest;
    return { start, end, typed: value.slice(start, at).trim(), isAtEnd: !value.slice(at, end).trim() };
  };
  const field = () => list?.field;
  const options = () => (list ? [...list.children] : []);
  const chosen = () => options().find((each) => each.getAttribute("aria-selected") === "true");

  const close = () => {
    clearTimeout(timer);
    asking?.abort();
    if (!list) return;
    const { field: owner } = list;
    list.remove();
    list = null;
    for (const name of ["aria-controls", "aria-activedescendant"]) owner.removeAttribute(name);
  };
  const choose = (option) => {
    options().forEach((each) => each.setAttribute("aria-selected", String(each === option)));
    if (option) field().setAttribute("aria-activedescendant", option.id);
    else field().removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };
  const say = (owner, count) => {
    const said = owner.closest(".composer-head").querySelector("[data-people-said]");
    said.textContent = count === 0 ? "" : count === 1 ? phrase("1 suggestion") : phrase("%(count)s suggestions", { count });
  };

  const show = (owner, html) => {
    const others = [...owner.form.querySelectorAll(".draft-recipients")].map((each) => each.value.toLowerCase()).join(" ");
    const typed = pieceAt(owner).typed.toLowerCase();
    const made = document.createElement("ul");
    made.innerHTML = html;
    for (const option of [...made.children]) {
      const { email } = option.dataset;
      if (email !== typed && others.split(/[\s,;<>]+/).includes(email)) option.remove();
    }
    close();
    say(owner, made.children.length);
    if (!made.children.length) return;
    list = Object.assign(made, { field: owner, id: `${owner.id}-people`, className: "options" });
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", phrase("Suggestions"));
    owner.closest(".draft-row").append(list);
    owner.setAttribute("aria-controls", list.id);
    if (!isWhole(typed)) choose(list.firstElementChild);
  };
  const ask = async (owner) => {
    const { typed, isAtEnd } = pieceAt(owner);
    if (!typed || !isAtEnd || typed.endsWith(">")) return close();
    asking?.abort();
    asking = new AbortController();
    const url = new URL(owner.dataset.people, location.href);
    url.searchParams.set("q", typed);
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" }, signal: asking.signal });
      const html = answer.ok ? await answer.text() : "";
      if (document.activeElement === owner && pieceAt(owner).typed === typed) show(owner, html);
    } catch {
      // Without a connection, or asked anew: the field is as good without.
    }
  };
  const take = (option) => {
    const owner = field();
    const { start, end } = pieceAt(owner);
    const before = owner.value.slice(0, start);
    const written = `${before && !before.endsWith(" ") ? " " : ""}${option.dataset.written}, `;
    owner.setRangeText(written, start, end, "end");
    if (/^\s*[,;]/.test(owner.value.slice(owner.selectionStart))) {
      owner.setRangeText("", owner.selectionStart, owner.selectionStart + owner.value.slice(owner.selectionStart).search(/[,;]/) + 1, "end");
    }
    close();
    owner.dispatchEvent(new InputEvent("input", { bubbles: true }));
    clearTimeout(timer);
    say(owner, 0);
  };

  document.addEventListener("input", ({ target }) => {
    if (!isField(target)) return;
    clearTimeout(timer);
    timer = setTimeout(() => ask(target), WAIT_MS);
  });
  // Before the composer hears of it: Enter takes what is chosen.
  document.addEventListener(
    "keydown",
    (event) => {
      if (!list || event.target !== field() || event.isComposing) return;
      const all = options();
      const at = all.indexOf(chosen());
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const isTaken = ["Enter", "Tab"].includes(event.key) && at >= 0 && !event.shiftKey && !event.ctrlKey && !event.metaKey;
      if (step) choose(all[at < 0 && step < 0 ? all.length - 1 : (at + step + all.length) % all.length]);
      else if (isTaken) take(all[at]);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest?.("[role=option]");
    if (!list || !option || !list.contains(option)) return;
    event.preventDefault();
    if (event.button === 0) take(option);
  });
  document.addEventListener("focusout", ({ target }) => target === field() && close());
})();
