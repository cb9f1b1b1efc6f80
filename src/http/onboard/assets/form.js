// Makes the pages live. Without it they do the same, page by page: there is nothing here that only a script could do.
// It asks for the page anew and exchanges the elements marked data-live, so that nothing that is typed or read moves.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");
  const announcer = () => document.getElementById("announce");

  const say = (text) => {
    const region = announcer();
    if (region && text) region.textContent = text;
  };

  const debounce = (wait, action) => {
    let timer;
    return () => {
      clearTimeout(timer);
      timer = setTimeout(action, wait);
    };
  };

  // Exchanges what differs, and tells what became of checks.
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
    // Another link was opened in this browser meanwhile, or this one has ended. What is read here would be about somebody
    // else: the page itself says so. A form that is being filled in is left alone: sending it tells.
    const lost = answer.ok ? session !== document.body.dataset.session : [403, 404, 410].includes(answer.status);
    if (lost && (answer.status !== 403 || !options)) {
      location.reload();
      return null;
    }
    return answer.ok && !lost ? html : null;
  };

  // Copying.
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

  // What was probably meant, taken where it stands.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=take]");
    if (!button) return;
    event.preventDefault();
    const input = document.getElementById(button.value);
    input.value = button.dataset.value;
    input.focus();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // Fields that other fields fill, as long as nobody typed into them.
  const fill = () => {
    for (const source of document.querySelectorAll("[data-fill]")) {
      const input = document.getElementById(source.dataset.fill);
      if (input && (input.value === "" || input.dataset.filled === input.value) && input !== document.activeElement) {
        input.value = source.dataset.value;
        input.dataset.filled = source.dataset.value;
      }
    }
  };

  const judge = (form) => {
    for (const input of form.querySelectorAll("input[aria-describedby]")) {
      const note = document.getElementById(`${input.name}-note`);
      if (note?.querySelector(".error")) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  };

  const live = (form) => {
    let asked = 0;
    const ask = debounce(300, async () => {
      const mine = ++asked;
      const typed = new URLSearchParams(new FormData(form));
      const post = form.dataset.livePost;
      try {
        const html = await (post ? load(post, { method: "POST", body: typed }) : load(`${form.dataset.liveGet}?${typed}`));
        if (html === null || mine !== asked) return;
        exchange(html);
        fill();
        judge(form);
        if (!post) history.replaceState(null, "", `${form.dataset.liveGet}?${typed}`);
        for (const link of document.querySelectorAll("a[data-keep-typed]")) {
          const url = new URL(link.href);
          for (const [name, value] of typed) if (name !== "mode") url.searchParams.set(name, value);
          link.href = url.pathname + url.search;
        }
        form.dataset.checked = String(mine);
      } catch {
        // The page goes on as it is; sending it will tell.
      }
    });
    form.addEventListener("input", ask);
    form.addEventListener("submit", () => {
      // A second click sends nothing twice.
      const buttons = document.querySelectorAll(`form#${form.id} button:not([type=button]), button[form=${form.id}]`);
      setTimeout(() => buttons.forEach((button) => (button.disabled = true)), 0);
    });
  };
  document.querySelectorAll("form[data-live-get], form[data-live-post]").forEach(live);

  // What was typed and not sent yet outlives a reload. The first form's is in its address.
  const draft = (form) => {
    const key = `latchkey draft ${location.pathname}${location.search} ${form.elements.form_token.value.slice(0, 12)}`;
    const names = [...form.querySelectorAll("input[type=text]")].map((input) => input.name);
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
    if (kept) {
      for (const name of names) if (typeof kept[name] === "string") form.elements[name].value = kept[name];
      if (kept.mode) for (const radio of form.querySelectorAll("input[type=radio]")) radio.checked = radio.value === kept.mode;
      form.dispatchEvent(new Event("input"));
    }
    form.addEventListener("input", () => sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(new FormData(form)))));
    form.addEventListener("submit", () => sessionStorage.removeItem(key));
  };
  document.querySelectorAll("form[data-live-post]").forEach(draft);
  addEventListener("pageshow", () => document.querySelectorAll("button:disabled").forEach((button) => (button.disabled = false)));
  fill();

  // A verification, as it happens.
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
        const html = await load("/onboard/verify");
        if (html === null) return;
        const before = document.getElementById("state")?.textContent;
        const { news } = exchange(html);
        measure();
        tick();
        const state = document.getElementById("state")?.textContent;
        if (state !== before) news.push(state);
        say(news.join(". "));
        if (!document.getElementById("live")?.dataset.follow) stop();
      } catch {
        // The next news, or the next turn of the clock, asks again.
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
  measure();
  tick();
  const path = document.getElementById("live")?.dataset.follow;
  if (path) follow(path);
})();
