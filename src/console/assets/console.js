// What pages do beyond plain links and forms: follow changes, copy, keys. Every page reads and works without it.
"use strict";
document.documentElement.classList.add("has-script");

// --- follow: pages with `data-follow` fetch themselves anew when something changed and put the parts with `data-live` in place.
(() => {
  const sign = document.querySelector("[data-follow]");
  if (!sign || !window.EventSource) return;
  const button = sign.querySelector("button");
  const said = sign.querySelector("[role=status]"); // what is read out: the state, not every second of it
  const only = sign.dataset.follow; // an event's id, or empty for all
  let held = false; // somebody paused
  let behind = 0; // since when something changed that the page does not show
  let lost = 0; // since when nothing is heard
  let unseen = 0; // since when looks fail
  let fetching = false;
  let last = 0;
  let timer = 0;

  // What somebody ticked, wrote or opened would be gone with a look; what the page came with would not.
  const written = new WeakSet();
  document.addEventListener("input", ({ target }) => written.add(target));
  const isTouched = (field) =>
    field.checked !== field.defaultChecked || (written.has(field) && field.value !== field.defaultValue);
  // Whoever has scrolled past where it changes would see the rows move under their eyes; what stands above it counts for nothing,
  // which on a phone is more than half a screen.
  const isPassed = () => (document.querySelector("main [data-live]")?.getBoundingClientRect().top ?? 0) < -120;
  const isBusy = () =>
    document.hidden ||
    isPassed() ||
    document.querySelector("[data-live] details[open], dialog[open]") !== null ||
    [...document.querySelectorAll("[data-live] :is(input, textarea)")].some(isTouched) ||
    document.activeElement?.closest?.("[data-live] form") != null;

  const lasts = (since) => {
    const seconds = Math.max(1, Math.round((Date.now() - since) / 1000));
    const { seconds: few, minutes: many } = sign.dataset;
    return seconds < 60 ? few.replace("{}", seconds) : many.replace("{}", Math.floor(seconds / 60));
  };
  const show = () => {
    const silent = lost || unseen;
    const state = silent ? "lost" : held ? "paused" : behind && isBusy() ? "behind" : "live";
    const text = sign.dataset[state + "Text"].replace("{}", () => lasts(silent || behind));
    sign.hidden = false;
    if (sign.dataset.state !== state) said.textContent = text;
    sign.dataset.state = state;
    if (button.textContent !== text) button.textContent = text;
  };

  const refresh = async (wanted) => {
    if (fetching) return;
    fetching = true;
    const before = behind;
    behind = 0;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (answer.redirected) return location.reload();
      // The bridge is busy or begins anew: this page stays, and looks again.
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // Somebody may have begun something while the answer was on its way.
      if (!wanted && isBusy()) {
        behind ||= before || last;
        return;
      }
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (!fresh) continue;
        part.className = fresh.className;
        part.hidden = fresh.hidden;
        if (fresh.innerHTML === part.innerHTML) continue;
        // Whoever goes through the page by keys stays where they were.
        const focused = part.contains(document.activeElement) ? document.activeElement : null;
        const alike = () => [...part.querySelectorAll(focused.localName)].filter((other) =>
          ["href", "name", "value", "action"].every((name) => other.getAttribute(name) === focused.getAttribute(name)));
        const place = focused ? alike().indexOf(focused) : -1;
        part.replaceChildren(...fresh.childNodes);
        if (place >= 0) alike()[place]?.focus({ preventScroll: true });
      }
      unseen = 0;
      document.dispatchEvent(new Event("console:fresh"));
    } catch {
      behind ||= before || last;
      unseen ||= Date.now();
      setTimeout(() => {
        // Who is busy with the page is not disturbed by a look: then it is known only that the page is behind.
        if (held || isBusy()) unseen = 0;
        changed(behind);
      }, 5000);
    } finally {
      fetching = false;
      show();
    }
  };

  // At most one look every two seconds, however much happens.
  const changed = (since = Date.now()) => {
    behind ||= since;
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
    stream.onopen = () => { lost = 0; show(); };
    stream.onerror = () => {
      lost ||= Date.now();
      // A browser that was answered with an error does not ask again by itself.
      if (stream.readyState === EventSource.CLOSED) {
        stream = null;
        setTimeout(follow, 5000);
      }
      show();
    };
    stream.addEventListener("reset", (news) => { since = news.lastEventId; changed(); });
    stream.addEventListener("state", (news) => {
      since = news.lastEventId;
      if (!only || news.data.includes(only)) changed();
    });
  };
  let left = 0;
  const leave = () => { stream?.close(); stream = null; left = Date.now(); };
  addEventListener("pagehide", leave);

  button.addEventListener("click", () => {
    if (sign.dataset.state === "live") held = true;
    else {
      held = false;
      scrollTo({ top: 0 });
      refresh(true);
    }
    show();
  });
  const again = () => { if (behind) changed(behind); else show(); };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return leave();
    follow();
    changed(left || Date.now());
  });
  addEventListener("scroll", again, { passive: true });
  document.addEventListener("change", again);
  // Times such as “3 minutes ago” grow old by themselves, and so do banners and pauses, of which the stream tells nothing.
  setInterval(() => { if (!held && !isBusy()) refresh(); }, 60000);
  setInterval(show, 1000);
  follow();
  show();
})();

// --- how long ago something was counted: by the server's clock, which stood so when the page was made
(() => {
  const { now, secondsAgo, minutesAgo } = document.body.dataset;
  const tell = () => {
    for (const time of document.querySelectorAll("time[data-age]")) {
      const seconds = Math.max(0, Math.round((Number(now) + performance.now() - Date.parse(time.dateTime)) / 1000));
      const text = seconds < 60 ? secondsAgo.replace("{}", seconds) : minutesAgo.replace("{}", Math.floor(seconds / 60));
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(tell, 1000);
  document.addEventListener("console:fresh", tell);
  tell();
})();

// --- copy, also where there is no secure context and so no clipboard; what is cut on the page is asked for whole
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "offscreen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
};
const wholeText = async (button) => {
  if (!button.dataset.copyFrom) return document.getElementById(button.dataset.copy)?.textContent ?? "";
  const answer = await fetch(button.dataset.copyFrom);
  if (!answer.ok || answer.redirected) throw new Error(answer.status);
  return answer.text();
};
document.addEventListener("click", async (click) => {
  const button = click.target.closest?.("[data-copy]");
  if (!button) return;
  const done = await wholeText(button).then(copy, () => false);
  const { copied, notCopied } = document.body.dataset;
  button.dataset.words ??= button.textContent;
  button.textContent = done ? copied : notCopied;
  setTimeout(() => { button.textContent = button.dataset.words; }, 1500);
});

// --- the help of the keys: those that do something on this page; the focus returns to where it was
const keysHere = document.getElementById("keys-here");
const helpWithKeys = () => {
  if (keysHere.open) return keysHere.close();
  for (const key of keysHere.querySelectorAll("[data-key-for]")) key.hidden = !document.querySelector(key.dataset.keyFor);
  keysHere.showModal();
};
document.querySelector("[data-keys]").addEventListener("click", (click) => {
  if (click.ctrlKey || click.metaKey || click.shiftKey || click.altKey) return;
  click.preventDefault();
  helpWithKeys();
});

// --- keys: j and k go through rows, Enter opens (it is a link), / searches. Never with a modifier, never while typing.
document.addEventListener("keydown", (key) => {
  if (key.ctrlKey || key.metaKey || key.altKey || key.isComposing) return;
  if (key.target.closest?.("input, textarea, select, [contenteditable]")) return;
  if (key.key === "?") {
    key.preventDefault();
    return helpWithKeys();
  }
  if (keysHere.open) return;
  if (key.key === "/") {
    const search = document.querySelector("[data-key='/']");
    if (search) { key.preventDefault(); search.focus(); }
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
  for (const name of ["done", "of", "count", "moved"]) address.searchParams.delete(name);
  history.replaceState(null, "", address);
}
