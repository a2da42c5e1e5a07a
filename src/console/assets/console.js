// What pages do beyond plain links and forms: follow changes, copy, keys. Every page reads and works without it.
"use strict";
document.documentElement.classList.add("has-script");

// --- follow: pages with `data-follow` fetch themselves anew when something changed and put the parts with `data-live` in place.
(() => {
  const sign = document.querySelector("[data-follow]");
  if (!sign || !window.EventSource) return;
  const button = sign.querySelector("button");
  const only = sign.dataset.follow; // an event's id, or empty for all
  let held = false; // somebody paused
  let behind = false;
  let lost = false;
  let fetching = false;
  let last = 0;
  let timer = 0;

  const isBusy = () =>
    document.hidden ||
    window.scrollY > 240 ||
    document.querySelector("[data-live] input:checked, [data-live] details[open], dialog[open]") !== null ||
    document.activeElement?.closest?.("[data-live] form") != null;

  const show = () => {
    const state = lost ? "lost" : held ? "paused" : behind && isBusy() ? "behind" : "live";
    sign.hidden = false;
    sign.dataset.state = state;
    const text = sign.dataset[state + "Text"];
    if (button.textContent !== text) button.textContent = text;
  };

  const refresh = async () => {
    if (fetching) return;
    fetching = true;
    behind = false;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.redirected || !answer.ok) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (!fresh || fresh.innerHTML === part.innerHTML) continue;
        // Whoever goes through the rows by keys stays where they were.
        const focused = part.contains(document.activeElement) && document.activeElement.getAttribute("href");
        part.replaceChildren(...fresh.childNodes);
        if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      }
      document.dispatchEvent(new Event("console:fresh"));
    } catch {
      behind = true;
    } finally {
      fetching = false;
      show();
    }
  };

  // At most one look every two seconds, however much happens.
  const changed = () => {
    behind = true;
    show();
    if (held || isBusy() || timer) return;
    timer = setTimeout(() => {
      timer = 0;
      if (!held && !isBusy()) refresh();
    }, Math.max(150, last + 2000 - Date.now()));
  };

  // A hidden tab gives its connection back: browsers open six to one server, however many tabs there are.
  // It begins where the page was made: what happens while a page is on its way is not missed.
  let stream = null;
  let since = document.body.dataset.since;
  const follow = () => {
    if (stream || document.hidden) return;
    stream = new EventSource("/console/stream?since=" + encodeURIComponent(since));
    stream.onopen = () => { lost = false; show(); };
    stream.onerror = () => { lost = true; show(); };
    stream.addEventListener("reset", (news) => { since = news.lastEventId; changed(); });
    stream.addEventListener("state", (news) => {
      since = news.lastEventId;
      if (!only || news.data.includes(only)) changed();
    });
  };
  const leave = () => { stream?.close(); stream = null; };
  addEventListener("pagehide", leave);

  button.addEventListener("click", () => {
    if (sign.dataset.state === "live") held = true;
    else {
      held = false;
      scrollTo({ top: 0 });
      refresh();
    }
    show();
  });
  const again = () => { if (behind) changed(); else show(); };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return leave();
    follow();
    changed();
  });
  addEventListener("scroll", again, { passive: true });
  document.addEventListener("change", again);
  // Times such as “3 minutes ago” grow old by themselves.
  setInterval(() => { if (!held && !isBusy()) refresh(); }, 60000);
  follow();
  show();
})();

// --- copy, also where there is no secure context and so no clipboard
document.addEventListener("click", async (click) => {
  const button = click.target.closest?.("[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy)?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = document.body.dataset.copied;
  setTimeout(() => { button.textContent = before; }, 1500);
});

// --- keys: j and k go through rows, Enter opens (it is a link), / searches. Never with a modifier, never while typing.
document.addEventListener("keydown", (key) => {
  if (key.ctrlKey || key.metaKey || key.altKey || key.isComposing) return;
  if (key.target.closest?.("input, textarea, select, [contenteditable]")) return;
  if (key.key === "/") {
    const search = document.querySelector("[data-key='/']");
    if (search) { key.preventDefault(); search.focus(); }
    return;
  }
  if (key.key === "?") {
    const help = document.getElementById("keys");
    if (help) help.open = !help.open;
    return;
  }
  if (key.key !== "j" && key.key !== "k") return;
  const links = [...document.querySelectorAll("[data-row] a")].filter((link, at, all) =>
    at === 0 || link.closest("[data-row]") !== all[at - 1].closest("[data-row]"));
  if (!links.length) return;
  const here = links.findIndex((link) => link.closest("[data-row]").contains(document.activeElement));
  const next = key.key === "j" ? Math.min(here + 1, links.length - 1) : Math.max(here - 1, 0);
  links[next].focus();
  links[next].closest("[data-row]").scrollIntoView({ block: "nearest" });
});

// --- the whole page is chosen at once
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-choose-page]")) return;
  for (const box of document.querySelectorAll("[data-row] input[name=id]")) box.checked = target.checked;
});

// --- a form is sent once
document.addEventListener("submit", (sent) => {
  if (sent.target.method !== "post") return;
  if (sent.target.dataset.sent) return sent.preventDefault();
  sent.target.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// --- what was just done is said once, not again after a reload
if (new URLSearchParams(location.search).has("done")) {
  const address = new URL(location.href);
  address.searchParams.delete("done");
  history.replaceState(null, "", address);
}
