// Validates the form's fields while the user types. Used together with site.js.
(() => {
  "use strict";
  const { debounce, exchange, load } = site;

  // Accepts a suggestion without reloading the page.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=take]");
    if (!button) return;
    event.preventDefault();
    const input = document.getElementById(button.value);
    input.value = button.dataset.value;
    input.focus();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });

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
        judge(form);
        if (!post) history.replaceState(null, "", `${form.dataset.liveGet}?${typed}`);
        for (const link of document.querySelectorAll("a[data-keep-typed]")) {
          const url = new URL(link.href);
          for (const [name, value] of typed) if (name !== "mode") url.searchParams.set(name, value);
          link.href = url.pathname + url.search;
        }
        form.dataset.checked = String(mine);
      } catch {
        // Ignored: submitting the form validates it again.
      }
    });
    form.addEventListener("input", ask);
  };
  document.querySelectorAll("form[data-live-get], form[data-live-post]").forEach(live);

  // Unsaved entries survive a reload. Those of the first form are in its URL.
  const draft = (form) => {
    const key = `latchkey draft ${location.pathname}${location.search} ${form.elements.form_token.value.slice(0, 12)}`;
    const names = [...form.querySelectorAll("input[type=text]")].map((input) => input.name);
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
    if (kept) {
      for (const name of names) if (typeof kept[name] === "string") form.elements[name].value = kept[name];
      for (const radio of form.querySelectorAll("input[type=radio]")) {
        if (kept[radio.name]) radio.checked = radio.value === kept[radio.name];
      }
      form.dispatchEvent(new Event("input"));
    }
    form.addEventListener("input", () => sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(new FormData(form)))));
    form.addEventListener("submit", () => sessionStorage.removeItem(key));
  };
  document.querySelectorAll("form[data-live-post]").forEach(draft);
})();
