// A review that is leased: the page says that somebody is there, warns before time runs out, and says at once when the review is lost. What was typed
// goes with the next sign of life, and is kept before the page is left.
(() => {
  'use strict';
  const lease = document.getElementById('lease');
  const form = document.getElementById('decision');
  if (!lease || !form) return;
  const line = document.getElementById('lease-line');
  const tell = (text) => document.dispatchEvent(new CustomEvent('tell', { detail: text }));
  // Nobody is held on a page for longer than this because the desk does not answer.
  const PATIENCE = 3000;

  let ends;
  let warned = false;
  let lost = false;
  // The page may be left as it is.
  let going = false;

  const submits = () => Array.from(document.querySelectorAll('button[form="decision"], #decision button[type="submit"]')).filter((button) => !button.closest('.evidence'));
  const lose = () => {
    if (lost) return;
    lost = true;
    lease.classList.add('short');
    submits().forEach((button) => { button.setAttribute('aria-disabled', 'true'); button.setAttribute('aria-describedby', 'lease-line'); });
  };

  // ---- What is not kept yet ----
  // Typed, chosen or taken back since the last sign of life. A page on which nothing was typed keeps nothing: what another window, or this one while it
  // was left, sent after the page was made is newer than what stands on it.
  let fresh = false;
  // The sign of life that is on its way carries it.
  let carried = false;
  let pending;
  const beat = () => { clearTimeout(pending); pending = undefined; lease.dispatchEvent(new CustomEvent('beat')); };
  lease.addEventListener('htmx:configRequest', (event) => {
    const { csrf, generation } = event.detail.parameters;
    if (!fresh) event.detail.parameters = { csrf, generation, idle: 'yes' };
    carried = fresh;
    fresh = false;
  });
  // Who waits for what was typed to be kept.
  let waiting = [];
  const kept = () => new Promise((resolve) => { waiting.push(resolve); beat(); });
  lease.addEventListener('htmx:afterRequest', (event) => {
    if (event.detail.successful) {
      going = false;
      // What was typed while the request was on its way goes with the one that waits behind it.
      if (fresh && waiting.length) return;
    } else if (carried) fresh = true;
    waiting.splice(0).forEach((resolve) => resolve(event.detail.successful));
  });

  // ---- The line ----
  // After every sign of life it says how things stand.
  const look = () => {
    const left = line.querySelector('[data-left]');
    if (left) {
      ends = Date.now() + Number(left.dataset.left) * 1000;
      if (Number(left.dataset.left) > Number(left.dataset.warn)) { warned = false; lease.classList.remove('short'); }
    } else if (line.querySelector('[data-lost]')) {
      const first = !lost;
      lose();
      if (first) tell(line.textContent.trim());
    }
  };
  look();
  line.addEventListener('htmx:afterSwap', look);

  // The clock of the page: it warns once, then counts down where everybody sees it.
  setInterval(() => {
    const shown = line.querySelector('[data-left]');
    if (lost || ends === undefined || !shown) return;
    const left = Math.max(0, Math.round((ends - Date.now()) / 1000));
    if (left > Number(shown.dataset.warn)) return;
    lease.classList.add('short');
    const seconds = line.querySelector('[data-seconds]');
    if (seconds) seconds.textContent = String(left);
    else shown.textContent = `Yours for another ${left} s. Press keep to go on.`;
    if (!warned) {
      warned = true;
      const key = document.querySelector('[data-act="keep"] .key');
      tell(`This review is yours for another ${left} seconds.${key ? ` Press ${key.textContent} to keep it.` : ' Press keep to go on.'}`);
    }
  }, 1000);

  setInterval(() => { if (!document.hidden && !lost) beat(); }, Number(lease.dataset.beat) * 1000);
  document.addEventListener('visibilitychange', () => { if (document.hidden ? fresh : !lost) beat(); });
  // A moment after something was typed or chosen.
  const typed = (event) => {
    if (event.target.form !== form || event.target.closest('.evidence')) return;
    fresh = true;
    clearTimeout(pending);
    pending = setTimeout(beat, 2000);
  };
  document.addEventListener('input', typed);
  document.addEventListener('change', typed);

  // Keeping needs no new page.
  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-act="keep"], [data-keep]')) return;
    event.preventDefault();
    if (lost) return;
    // Whether it was lost or did not arrive is said by whoever learns it.
    kept().then((done) => { if (done && !lost) tell('Kept.'); });
  });

  // ---- Leaving ----
  // By a link or a form of its own: the next page shows what was typed, so it is kept before. Who asks again goes without.
  const first = (event, go) => {
    if (going || !fresh || event.defaultPrevented) return;
    event.preventDefault();
    const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE, false); });
    Promise.race([kept(), late]).then((done) => {
      going = true;
      if (done) go();
      else tell('What you typed could not be kept. Try again, and the page is left without it.');
    });
  };
  const leaves = (link) => {
    if (!link || link.target || link.hasAttribute('download') || link.closest('.evidence')) return false;
    return link.origin === location.origin && (link.pathname !== location.pathname || link.search !== location.search || !link.hash);
  };
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href]');
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || !leaves(link)) return;
    first(event, () => link.click());
  });
  let submitted = false;
  document.addEventListener('submit', (event) => {
    if (event.target !== form) {
      if (event.target.method !== 'dialog' && !event.target.closest('.evidence')) first(event, () => event.target.requestSubmit(event.submitter));
      return;
    }
    if (lost) { event.preventDefault(); tell(line.textContent.trim()); return; }
    submitted = true;
  });
  // By any other way what waits goes along, as soon as it is known: the next page must not be made without it.
  const last = () => {
    if (!fresh || submitted) return;
    fresh = false;
    clearTimeout(pending);
    pending = undefined;
    navigator.sendBeacon(lease.getAttribute('hx-post'), new URLSearchParams(new FormData(form)));
  };
  addEventListener('beforeunload', last);
  addEventListener('pagehide', last);

  // Somebody else's doing. The sign of life that follows keeps what was typed, and brings the words for it.
  document.addEventListener('item', (event) => {
    if (!event.detail.lost || lost) return;
    line.innerHTML = event.detail.html;
    look();
    beat();
  });
})();
