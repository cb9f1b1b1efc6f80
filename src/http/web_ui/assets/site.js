// Keeps the pages up to date: reloads them in the background and replaces the elements marked data-live, without touching
// inputs or the scroll position. Every page also works without JavaScript.
const site = (() => {
  "use strict";
  document.documentElement.classList.add("scripted");

  const say = (text) => {
    const region = document.getElementById("announce");
    if (region && text) region.textContent = text;
  };

  const debounce = (wait, action) => {
    let timer;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(action, wait);
    };
  };

  // Replaces the elements that changed, and announces changed checks to screen readers.
  const exchange = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const news = [];
    for (const next of fresh.querySelectorAll("[data-live][id]")) {
      const present = document.getElementById(next.id);
      if (!present || present.isEqualNode(next)) continue;
      if (next.dataset.word && present.dataset.word !== next.dataset.word) {
        news.push(`${next.dataset.word}: ${next.dataset.claim}`);
      }
      const active = document.activeElement;
      const place = active && present.contains(active) ? [...present.querySelectorAll("button, a, pre")].indexOf(active) : -1;
      const adopted = document.adoptNode(next);
      present.replaceWith(adopted);
      if (place >= 0) adopted.querySelectorAll("button, a, pre")[place]?.focus({ preventScroll: true });
    }
    if (fresh.title) document.title = fresh.title;
    return { fresh, news };
  };

  const load = async (url, options) => {
    const answer = await fetch(url, { credentials: "same-origin", redirect: "error", ...options });
    const html = await answer.text();
    const session = /<body data-session="([^"]*)">/.exec(html)?.[1];
    // This session has ended, or another one was started in this browser. The new page would belong to someone else, so show
    // it as a whole. A form that is being filled in is kept: submitting it shows the problem.
    const lost = answer.ok ? session !== document.body.dataset.session : [401, 403, 404, 410].includes(answer.status);
    if (lost && (answer.status !== 403 || !options)) {
      location.reload();
      return null;
    }
    return answer.ok && !lost ? html : null;
  };

  // Copy buttons.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      say("Selected. Copy it with your keyboard.");
      return;
    }
    const label = button.firstChild;
    const before = label.textContent;
    if (before !== "Copied") {
      label.textContent = "Copied";
      button.classList.add("done");
      setTimeout(() => {
        label.textContent = before;
        button.classList.remove("done");
      }, 2000);
    }
    say("Copied.");
  });

  // Prevents submitting a form twice.
  document.addEventListener("submit", ({ target: form }) => {
    setTimeout(() => [...form.elements].filter((one) => one.type === "submit").forEach((button) => (button.disabled = true)), 0);
  });
  addEventListener("pageshow", () => document.querySelectorAll("button:disabled").forEach((button) => (button.disabled = false)));

  // Follows a running verification.
  const span = (seconds) => {
    if (seconds < 1) return "less than a second";
    if (seconds < 120) return seconds === 1 ? "1 second" : `${seconds} seconds`;
    return `${Math.floor(seconds / 60)} minutes`;
  };
  let skew = 0;
  const measure = () => {
    const now = document.getElementById("live")?.dataset.now;
    if (now) skew = Date.parse(now) - Date.now();
  };
  const tick = () => {
    const now = Date.now() + skew;
    for (const shown of document.querySelectorAll("[data-countdown]")) {
      shown.textContent = `${Math.max(0, Math.ceil((Date.parse(shown.dataset.countdown) - now) / 1000))} s`;
    }
    for (const shown of document.querySelectorAll("[data-elapsed]")) {
      shown.textContent = span(Math.floor((now - Date.parse(shown.dataset.elapsed)) / 1000));
    }
  };

  const follow = (path) => {
    let source;
    const refresh = debounce(150, async () => {
      try {
        const html = await load(location.pathname + location.search);
        if (html === null) return;
        const before = document.getElementById("state")?.textContent;
        const { news } = exchange(html);
        measure();
        tick();
        const state = document.getElementById("state")?.textContent;
        if (state !== before) news.push(state);
        say(news.join(". "));
        const live = document.getElementById("live")?.dataset;
        if (!live?.follow) {
          stop();
          watch(live?.watch);
        }
      } catch {
        // Ignored: the next event or timer tries again.
      }
    });
    const slowly = setInterval(refresh, 5000);
    const stop = () => {
      source?.close();
      clearInterval(slowly);
      clearInterval(ticking);
    };
    source = new EventSource(path);
    for (const name of ["open", "changed", "finished"]) source.addEventListener(name, refresh);
    const ticking = setInterval(tick, 1000);
  };

  // A finished page follows the next verification, which may have been started elsewhere: in another tab, or by the schedule.
  const watch = (path) => {
    if (!path) return;
    const look = debounce(150, async () => {
      if (document.hidden || document.querySelector("#live[data-follow]")) return;
      try {
        const html = await load(path);
        if (html === null) return;
        const { news } = exchange(html);
        measure();
        tick();
        const next = document.getElementById("live")?.dataset.follow;
        if (news.length || next) say(document.getElementById("state")?.textContent);
        if (!next) return;
        clearInterval(slowly);
        document.removeEventListener("visibilitychange", look);
        removeEventListener("focus", look);
        follow(next);
      } catch {
        // Ignored: the timer tries again.
      }
    });
    const slowly = setInterval(look, 20000);
    document.addEventListener("visibilitychange", look);
    addEventListener("focus", look);
  };

  measure();
  tick();
  const { follow: path, watch: page } = document.getElementById("live")?.dataset ?? {};
  if (path) follow(path);
  else watch(page);

  return { debounce, exchange, load };
})();
