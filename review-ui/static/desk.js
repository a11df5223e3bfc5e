// Comfort for those who have scripts: keys, zoom, a lease that stays alive. Without it everything still works as forms and links.
(() => {
  'use strict';
  const all = (selector, inside = document) => Array.from(inside.querySelectorAll(selector));
  const off = () => localStorage.getItem('keys') === 'off';

  // Controls that only scripts can serve are hidden until they can.
  const reveal = () => all('.script[hidden]').forEach((control) => { control.hidden = false; });

  // What went wrong, or what is shown once, is where the person looks first.
  const attend = () => { const notice = document.querySelector('[data-focus]'); if (notice) notice.focus(); };

  const zoom = (button) => {
    const page = document.querySelector('.page');
    const steps = all('[data-zoom]');
    steps.forEach((step) => { if (step.dataset.zoom) page.classList.remove(step.dataset.zoom); step.setAttribute('aria-pressed', String(step === button)); });
    if (button.dataset.zoom) page.classList.add(button.dataset.zoom);
  };

  const boxes = (button) => {
    const hidden = document.querySelector('.page-view').classList.toggle('hide-boxes');
    button.setAttribute('aria-pressed', String(!hidden));
  };

  document.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button.dataset.zoom !== undefined) zoom(button);
    if (button.dataset.boxes !== undefined) boxes(button);
    if (button.dataset.keysOff !== undefined) {
      localStorage.setItem('keys', off() ? 'on' : 'off');
      button.setAttribute('aria-pressed', String(off()));
    }
  });

  // Moves the focus along a list of elements; stops at its ends.
  const step = (list, current, by) => {
    if (!list.length) return;
    const at = list.indexOf(current);
    const next = at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by));
    list[next].focus();
    list[next].scrollIntoView({ block: 'nearest' });
  };

  const check = () => document.activeElement.closest('[data-check]');
  const field = (by) => {
    const first = (card) => card.querySelector('input, select, textarea');
    const cards = all('[data-check]').filter(first);
    if (!cards.length) return;
    const at = cards.indexOf(check());
    const next = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(cards.length - 1, Math.max(0, at + by))];
    next.open = true;
    first(next).focus();
    next.scrollIntoView({ block: 'nearest' });
  };
  const choose = (value) => {
    const radio = check() && check().querySelector(`input[type="radio"][value="${value}"]`);
    if (radio) { radio.checked = true; radio.focus(); }
  };
  const into = (prefix) => {
    const input = check() && check().querySelector(`[name^="${prefix}."]:not([type="radio"])`);
    if (input) { input.focus(); if (input.select) input.select(); }
  };
  const press = (key) => {
    const button = document.querySelector(`[data-key="${key}"]`);
    if (button) button.click();
  };

  const acts = {
    j: () => step(all('[data-line]'), document.activeElement, 1),
    k: () => step(all('[data-line]'), document.activeElement, -1),
    t: () => press('t'),
    n: () => field(1),
    p: () => field(-1),
    1: () => choose('supported'),
    2: () => choose('refuted'),
    3: () => choose('insufficient'),
    e: () => into('found'),
    r: () => into('reason'),
    b: () => press('b'),
    '?': () => { location.href = '/help'; },
  };

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { press('Ctrl+Enter'); return; }
    const typing = event.target.closest('textarea, select, input:not([type="radio"]):not([type="checkbox"])');
    if (event.key === 'Escape' && typing) { typing.blur(); return; }
    if (typing || off() || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = acts[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // The open page says that somebody is there: as often as it says itself while it is looked at, and a moment after something was typed.
  let waiting;
  const beat = () => {
    const lease = document.querySelector('.lease[hx-post]');
    if (lease && !document.hidden) lease.dispatchEvent(new CustomEvent('beat'));
  };
  const leased = document.querySelector('.lease[data-beat]');
  if (leased) setInterval(beat, Number(leased.dataset.beat) * 1000);
  document.addEventListener('input', (event) => {
    if (!event.target.closest('#decision')) return;
    clearTimeout(waiting);
    waiting = setTimeout(beat, 2000);
  });

  reveal();
  attend();
  document.body.addEventListener('htmx:afterSwap', reveal);
})();
