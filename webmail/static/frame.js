/* Inside a host's page: each request says which session it belongs to, and the host is told what it wants to know.

The host's origin is fixed when the frame is launched: messages go there and nowhere else, and none is taken from
elsewhere. docs/embedding.md lists them. */
"use strict";

(() => {
  const HEADER = "X-Webmail-Frame";
  const root = document.documentElement;
  const host = root.dataset.host;
  let name = root.dataset.frame;

  const tell = (type, detail = {}) => host && parent !== window && parent.postMessage({ ...detail, webmail: type }, host);
  const isOurs = (url) => url.origin === location.origin && !/^\/(static|assets)\//.test(url.pathname);
  const named = (address) => {
    const url = new URL(address, location.href);
    if (isOurs(url)) url.searchParams.set("frame", name);
    return url.href;
  };

  /* A request by script says it in a header, and learns the session's newest name from the answer. */
  const send = window.fetch.bind(window);
  window.fetch = async (input, init = {}) => {
    if (!name || typeof input !== "string" || !isOurs(new URL(input, location.href))) return send(input, init);
    const headers = new Headers(init.headers);
    headers.set(HEADER, name);
    const answer = await send(input, { ...init, headers });
    const told = answer.headers.get(HEADER);
    if (["ended", "other"].includes(told)) {
      const dialog = document.getElementById("signed-out");
      if (told === "other" && dialog && !dialog.open) dialog.showModal();
      tell("session-ended", { reason: told });
    } else if (told) name = told;
    return answer;
  };

  /* Links, forms and frames say it in their address. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (name && link && !link.getAttribute("href").startsWith("#") && isOurs(link)) link.href = named(link.href);
  }, true);
  document.addEventListener("submit", ({ target: form, submitter }) => {
    if (!name || form.method === "dialog" || (form.target && form.target !== "_self")) return;
    if (submitter?.hasAttribute("formaction")) submitter.formAction = named(submitter.formAction);
    if (form.method === "post") {
      form.action = named(form.action);
      return;
    }
    const field = form.querySelector("input[name=frame]") ?? Object.assign(document.createElement("input"), { type: "hidden", name: "frame" });
    field.value = name;
    form.append(field);
  }, true);
  document.addEventListener("toggle", ({ target }) => {
    // What is loaded only when it is opened may have waited for longer than its address is good for.
    for (const frame of target.querySelectorAll?.("iframe[loading=lazy]") ?? []) {
      if (frame.contentDocument?.URL === "about:blank") frame.src = named(frame.src);
    }
  }, true);

  /* The session's name is renewed while the page is open. */
  const token = () => JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}")["X-CSRFToken"] ?? "";
  const post = (path, fields = {}) => fetch(path, { method: "POST", headers: { "X-CSRFToken": token() }, body: new URLSearchParams(fields) });
  if (name) setInterval(() => post("/embed/renew").catch(() => {}), 4 * 60 * 1000);

  /* What the host does with its commands. */
  const go = (path, fields = {}) => location.assign(named(`${path}?${new URLSearchParams(fields)}`));
  const commands = {
    compose: ({ to = "", subject = "" }) => go("/compose", { to, subject }),
    open: ({ conversation }) => /^[0-9a-f-]{36}$/i.test(conversation) && go(`/conversations/${conversation}`),
    "set-theme": ({ theme }) => {
      if (!["auto", "light", "dark"].includes(theme)) return;
      root.dataset.theme = theme;
      document.querySelector("meta[name=color-scheme]").content = theme === "auto" ? "light dark" : theme;
      post("/embed/theme", { theme });
    },
    logout: async () => {
      await post("/embed/logout");
      tell("session-ended", { reason: "logout" });
    },
  };
  addEventListener("message", (event) => {
    if (event.origin !== host || event.source !== parent || typeof event.data?.webmail !== "string") return;
    if (name && Object.hasOwn(commands, event.data.webmail)) commands[event.data.webmail](event.data);
  });

  /* What the host is told. */
  let timer;
  const tellState = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const answer = await fetch("/embed/state").catch(() => null);
      if (answer?.ok) tell("state", await answer.json());
    }, 300);
  };
  const begin = () => {
    const over = document.querySelector("[data-session-over]");
    if (over) tell("session-ended", { reason: over.dataset.sessionOver });
    if (!name) return;
    tell("ready", { path: location.pathname });
    tellState();
    for (const event of ["mail-new", "account-changed", "submission-changed", "conversation-changed", "resumed"]) {
      document.body.addEventListener(event, tellState);
    }
    document.body.addEventListener("mail-new", ({ detail }) => {
      const { count } = JSON.parse(detail?.data ?? "{}");
      if (count) tell("message-received", { count });
    });
    // Pages that scroll within themselves fill what the host gives them; others are as tall as what they hold.
    const isTall = document.body.matches(".is-mail");
    const measure = () => tell("height", { height: isTall ? 0 : Math.ceil(document.body.scrollHeight) });
    new ResizeObserver(measure).observe(document.body);
    measure();
  };
  begin();
})();
