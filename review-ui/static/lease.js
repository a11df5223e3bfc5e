// A review that is leased: the page says that somebody is there, warns before time runs out, and says at once when the review is lost. What was typed
// goes with every sign of life, and stays on the page whatever happens.
(() => {
  'use strict';
  const lease = document.getElementById('lease');
  const form = document.getElementById('decision');
  if (!lease || !form) return;
  const line = document.getElementById('lease-line');
  const tell = (text) => document.dispatchEvent(new CustomEvent('tell', { detail: text }));
  // Seconds before the end at which the page warns.
  const SHORT = 120;

  let ends;
  let warned = false;
  let lost = false;
  let pending;
  const beat = () => { clearTimeout(pending); pending = undefined; lease.dispatchEvent(new CustomEvent('beat')); };

  const submits = () => Array.from(document.querySelectorAll('button[form="decision"], #decision button[type="submit"]'));
  const lose = () => {
    if (lost) return;
    lost = true;
    lease.classList.add('short');
    submits().forEach((button) => { button.setAttribute('aria-disabled', 'true'); button.setAttribute('aria-describedby', 'lease-line'); });
  };

  // After every sign of life the line says how things stand.
  const look = () => {
    const left = line.querySelector('[data-left]');
    if (left) {
      ends = Date.now() + Number(left.dataset.left) * 1000;
      if (Number(left.dataset.left) > SHORT) { warned = false; lease.classList.remove('short'); }
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
    if (lost || ends === undefined) return;
    const left = Math.max(0, Math.round((ends - Date.now()) / 1000));
    if (left > SHORT) return;
    lease.classList.add('short');
    const seconds = line.querySelector('[data-seconds]');
    if (seconds) seconds.textContent = String(left);
    else line.querySelector('[data-left]').textContent = `Yours for another ${left} s. Press keep to go on.`;
    if (!warned) {
      warned = true;
      const key = document.querySelector('[data-act="keep"] .key');
      tell(`This review is yours for another ${left} seconds.${key ? ` Press ${key.textContent} to keep it.` : ' Press keep to go on.'}`);
    }
  }, 1000);

  setInterval(() => { if (!document.hidden && !lost) beat(); }, Number(lease.dataset.beat) * 1000);
  document.addEventListener('visibilitychange', () => { if (!document.hidden && !lost) beat(); });
  // A moment after something was typed or chosen; and what waits then goes when the page does.
  const typed = (event) => {
    if (event.target.form !== form) return;
    clearTimeout(pending);
    pending = setTimeout(beat, 2000);
  };
  document.addEventListener('input', typed);
  document.addEventListener('change', typed);
  let submitted = false;
  addEventListener('pagehide', () => {
    if (pending === undefined || submitted) return;
    clearTimeout(pending);
    pending = undefined;
    navigator.sendBeacon(lease.getAttribute('hx-post'), new URLSearchParams(new FormData(form)));
  });

  document.addEventListener('submit', (event) => {
    if (event.target !== form) return;
    if (lost) { event.preventDefault(); tell(line.textContent.trim()); return; }
    submitted = true;
  });
  // Keeping needs no new page.
  document.addEventListener('click', (event) => {
    const keep = event.target.closest('[data-act="keep"]');
    if (!keep) return;
    event.preventDefault();
    if (lost) return;
    beat();
    tell('Kept.');
  });

  // Somebody else's doing. The sign of life that follows keeps what was typed, and brings the words for it.
  document.addEventListener('item', (event) => {
    if (!event.detail.lost || lost) return;
    line.innerHTML = event.detail.html;
    look();
    beat();
  });
})();
