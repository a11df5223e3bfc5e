// How much time goes where on a review that somebody holds: sums of milliseconds by field, nothing of what was done there. Active is up to ten seconds
// after the last key, click, touch or movement; open is as long as the page shows.
(() => {
  'use strict';
  const form = document.getElementById('decision');
  if (!form || !form.elements.generation) return;
  const IDLE = 10000;
  const REPORT = 30000;
  // A clock that jumps, because the machine slept, has not seen anybody.
  const LONGEST_STEP = 5000;
  // Answers after which nothing more is reported.
  const REFUSED = [401, 403, 409];

  let sums = new Map();
  let place = 'overall';
  let acted = performance.now();
  let last = acted;
  let over = false;
  let submitting = false;

  const placeOf = (target) => {
    if (!(target instanceof Element)) return place;
    if (target.closest('.evidence')) return 'evidence';
    const check = target.closest('[data-check]');
    return check && check.id.startsWith('check-') ? check.id.slice('check-'.length) : 'overall';
  };

  const step = () => {
    const now = performance.now();
    const passed = Math.min(now - last, LONGEST_STEP);
    last = now;
    if (document.hidden || over) return;
    const sum = sums.get(place) || [0, 0];
    sums.set(place, [sum[0] + (now - acted < IDLE ? passed : 0), sum[1] + passed]);
  };

  const report = () => JSON.stringify(Array.from(sums, ([where, [active, open]]) => [where, Math.round(active), Math.round(open)]));

  const send = (keepalive) => {
    step();
    if (over || submitting || !sums.size) return;
    const body = new URLSearchParams({ csrf: form.elements.csrf.value, times: report() });
    const sent = sums;
    sums = new Map();
    const unheard = () => sent.forEach(([active, open], where) => { const sum = sums.get(where) || [0, 0]; sums.set(where, [sum[0] + active, sum[1] + open]); });
    fetch(`${form.getAttribute('action')}/time`, { method: 'POST', body, keepalive, redirect: 'error' }).then(
      (answer) => {
        // The review is somebody else's by now, or the session is over. Whatever else was wrong with this one may be well with the next.
        if (REFUSED.includes(answer.status)) over = true;
        else if (answer.status === 429 || answer.status >= 500) unheard();
      },
      // Nobody heard it: it goes with the next one.
      unheard,
    );
  };

  const act = (event) => { step(); acted = performance.now(); place = placeOf(event.target); };
  ['keydown', 'pointerdown', 'pointermove', 'wheel', 'focusin', 'touchstart'].forEach((kind) => document.addEventListener(kind, act, { passive: true, capture: true }));
  setInterval(step, 1000);
  setInterval(() => send(false), REPORT);
  document.addEventListener('visibilitychange', () => { if (document.hidden) send(true); else last = performance.now(); });
  addEventListener('pagehide', () => send(true));

  // What is not reported yet goes with the decision.
  form.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return;
    step();
    let input = form.elements.times;
    if (!input) {
      input = document.createElement('input');
      input.type = 'hidden';
      input.name = 'times';
      form.append(input);
    }
    input.value = report();
    submitting = true;
    // If the page is still here by then, the form went nowhere.
    setTimeout(() => { submitting = false; input.remove(); }, 5000);
  });
})();
