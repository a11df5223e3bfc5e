// Moves through the fields of a review, chooses, and takes the last change back. Listens to acts by name; which keys they have is keys.js's matter.
(() => {
  'use strict';
  const all = (selector, inside = document) => Array.from(inside.querySelectorAll(selector));
  const tell = (text) => document.dispatchEvent(new CustomEvent('tell', { detail: text }));

  // Moves the focus along a list of elements; stops at its ends.
  const step = (list, by) => {
    if (!list.length) return false;
    const at = list.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, at + by));
    list[next].focus();
    list[next].scrollIntoView({ block: 'nearest' });
    return true;
  };

  const check = () => document.activeElement.closest('[data-check]');
  const first = (card) => card.querySelector('input:not([type="hidden"]), select, textarea');
  const field = (by) => {
    // Those behind the filter come when they are shown.
    const cards = all('[data-check]').filter((card) => first(card) && !card.closest('.rest:not([open])'));
    if (!cards.length) return false;
    const at = cards.indexOf(check());
    const next = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(cards.length - 1, Math.max(0, at + by))];
    next.open = true;
    first(next).focus();
    next.scrollIntoView({ block: 'nearest' });
    return true;
  };
  const choose = (value) => {
    const radio = check() && check().querySelector(`input[type="radio"][value="${value}"]`);
    if (!radio) return false;
    radio.focus();
    if (!radio.checked) {
      radio.checked = true;
      radio.dispatchEvent(new Event('change', { bubbles: true }));
    }
    return true;
  };
  const into = (prefix) => {
    const input = check() && check().querySelector(`[name^="${prefix}."]:not([type="radio"])`);
    if (!input) return false;
    input.focus();
    if (input.select) input.select();
    return true;
  };

  // What every input held before its last change. A change is noticed when it is complete, or when a script made it.
  const form = document.getElementById('decision');
  // How the evidence is looked at is no part of what is said of it.
  const said = (control) => control.name && control.type !== 'hidden' && control.type !== 'submit' && !control.closest('.evidence');
  const controls = () => (form ? Array.from(form.elements).filter(said) : []);
  const read = () => {
    const values = new Map();
    controls().forEach((control) => {
      if (control.type === 'radio') { if (!values.has(control.name)) values.set(control.name, ''); if (control.checked) values.set(control.name, control.value); }
      else values.set(control.name, control.type === 'checkbox' ? control.checked : control.value);
    });
    return values;
  };
  let known = read();
  let changes = [];
  const notice = () => {
    const now = read();
    now.forEach((value, name) => { if (known.get(name) !== value) changes.push({ name, before: known.get(name) }); });
    known = now;
  };
  const write = (name, value) => {
    const named = controls().filter((control) => control.name === name);
    named.forEach((control) => {
      if (control.type === 'radio') control.checked = control.value === value;
      else if (control.type === 'checkbox') control.checked = value;
      else control.value = value;
    });
    return named.find((control) => control.type !== 'radio' || control.checked) || named[0];
  };
  const undo = () => {
    if (!form) return false;
    notice();
    const here = check();
    const inside = (change) => here && controls().some((control) => control.name === change.name && here.contains(control));
    let at = changes.findLastIndex(inside);
    if (at < 0) at = changes.length - 1;
    if (at < 0) { tell('Nothing to undo.'); return true; }
    const [change] = changes.splice(at, 1);
    const control = write(change.name, change.before);
    known = read();
    if (control) {
      const card = control.closest('[data-check]');
      if (card) card.open = true;
      if (card && card.closest('.rest')) card.closest('.rest').open = true;
      control.focus();
      control.dispatchEvent(new Event('input', { bubbles: true }));
      // What compares the value listens to this one.
      control.dispatchEvent(new Event('change', { bubbles: true }));
      const title = card && card.querySelector('[id^="title-"]');
      tell(`Undone${title ? `: ${title.textContent.trim()}` : ''}.`);
    }
    return true;
  };
  if (form) {
    document.addEventListener('change', (event) => { if (event.target.form === form) notice(); });
    document.addEventListener('input', (event) => { if (event.target.form === form && !event.isTrusted) notice(); });
  }

  const acts = {
    next_item: () => step(all('[data-line]'), 1),
    previous_item: () => step(all('[data-line]'), -1),
    next_field: () => field(1),
    previous_field: () => field(-1),
    verdict_yes: () => choose('supported'),
    verdict_no: () => choose('refuted'),
    verdict_unsure: () => choose('insufficient'),
    found: () => into('found'),
    reason: () => into('reason'),
    undo,
  };
  // Whoever acts says so by taking the event; else the button or link of that name is pressed.
  document.addEventListener('act', (event) => {
    const act = acts[event.detail];
    if (act && act()) event.preventDefault();
  });
})();
