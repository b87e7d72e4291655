/* The Connect tab: the provider field that can be searched, and what fills fields in with one press. */
"use strict";

(() => {
  const make = (tag, attributes = {}) => {
    const element = document.createElement(tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  };
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  /* A combobox (WAI-ARIA 1.2, list autocomplete) in front of a <select>, which keeps the value and sends it. */
  const enhance = (field) => {
    field.dataset.combobox = "ready";
    const select = field.querySelector("select");
    const label = field.querySelector("label");
    const input = make("input", {
      type: "text", id: `${select.id}-search`, role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": `${select.id}-list`,
      "aria-describedby": select.getAttribute("aria-describedby"), placeholder: phrase("Search providers"),
    });
    if (select.hasAttribute("aria-invalid")) input.setAttribute("aria-invalid", "true");
    const list = make("ul", { id: `${select.id}-list`, class: "options", role: "listbox", "aria-label": phrase("Providers"), hidden: "" });
    const box = make("div", { class: "combobox" });
    box.append(input, list);
    select.hidden = true;
    select.after(box);
    label.htmlFor = input.id;

    let active = -1;
    const options = () => [...list.children].filter((each) => each.role === "option");
    const show = () => {
      input.value = select.selectedOptions[0]?.text ?? "";
      input.placeholder = phrase("Search providers");
    };
    const close = () => {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const move = (to) => {
      const items = options();
      if (!items.length) return;
      items[active]?.setAttribute("aria-selected", "false");
      active = (to + items.length) % items.length;
      items[active].setAttribute("aria-selected", "true");
      items[active].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", items[active].id);
    };
    const open = (query) => {
      const words = plain(query).split(/\s+/).filter(Boolean);
      const found = [...select.options].filter((each) => words.every((word) => plain(each.text).includes(word)));
      list.replaceChildren(
        ...found.map((each) => {
          const item = make("li", { role: "option", id: `${list.id}-${each.index}`, "aria-selected": "false" });
          item.textContent = each.text;
          item.dataset.value = each.value;
          return item;
        }),
      );
      if (!found.length) {
        const item = make("li", { class: "hint" });
        item.textContent = phrase("No provider of that name. Choose My own settings and type its servers.");
        list.append(item);
      }
      list.hidden = false;
      active = -1;
      input.setAttribute("aria-expanded", "true");
      if (words.length && found.length) move(0);
      else if (found.length) move(found.indexOf(select.selectedOptions[0]));
    };
    const choose = (value) => {
      const isNew = select.value !== value;
      select.value = value;
      show();
      close();
      if (isNew) select.dispatchEvent(new Event("change", { bubbles: true }));
    };

    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => {
      if (!list.hidden) return;
      // A press inside selected text would leave the caret behind it: the choice steps back into the placeholder.
      input.placeholder = input.value;
      input.value = "";
      open("");
    });
    input.addEventListener("input", () => open(input.value));
    input.addEventListener("keydown", (event) => {
      const isOpen = !list.hidden;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!isOpen) open("");
        else move(active + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter" && isOpen) {
        event.preventDefault();
        const item = options()[active];
        if (item) choose(item.dataset.value);
      } else if (event.key === "Escape" && isOpen) {
        event.stopPropagation();
        show();
        close();
      }
    });
    input.addEventListener("blur", () => {
      const typed = plain(input.value.trim());
      const exact = [...select.options].find((each) => plain(each.text) === typed);
      if (exact) choose(exact.value);
      show();
      close();
    });
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const item = event.target.closest("[role=option]");
      if (item) choose(item.dataset.value);
    });
    field.showChoice = show;
    show();
    if (select.autofocus) input.focus();
  };

  const settle = () => {
    document.querySelectorAll("[data-combobox='']").forEach(enhance);
    // The address may have told of another provider: the field follows what the answer says.
    const servers = document.getElementById("account-servers");
    const field = document.querySelector("[data-combobox='ready']");
    const select = field?.querySelector("select");
    if (servers && select && select.value !== servers.dataset.provider) {
      select.value = servers.dataset.provider;
      field.showChoice();
    }
  };
  document.addEventListener("htmx:after:swap", settle);
  settle();

  const put = (form, name, value) => {
    const input = form.elements[name];
    input.value = value;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    return input;
  };
  document.addEventListener("click", (event) => {
    const offer = event.target.closest("[data-fill-field]");
    if (offer) {
      event.preventDefault();
      put(offer.form, offer.dataset.fillField, offer.dataset.fillValue);
      offer.form.elements.password.focus();
    }
    const demo = event.target.closest("[data-fill-email]");
    if (demo) {
      put(demo.form, "email", demo.dataset.fillEmail);
      put(demo.form, "password", demo.dataset.fillPassword);
    }
    const panel = event.target.closest("[data-closes-panel]")?.closest(".card:not(.card-alone) .card-panel");
    if (panel) {
      event.preventDefault();
      panel.replaceChildren();
      panel.closest(".card").querySelector(".card-actions button")?.focus();
    }
  });
})();
