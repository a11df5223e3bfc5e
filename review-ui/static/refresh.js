// Asks for a part of the page again every few seconds, and never while nobody looks. htmx fetches and replaces it; it waits for the event because
// its own conditions would need `eval`.
(() => {
  'use strict';
  const part = document.querySelector('[data-refresh]');
  if (!part) return;
  const every = Number(part.dataset.refresh) * 1000;
  let asked = Date.now();
  const ask = () => {
    if (document.hidden || Date.now() - asked < every) return;
    asked = Date.now();
    part.dispatchEvent(new CustomEvent('refresh'));
  };
  setInterval(ask, 1000);
  document.addEventListener('visibilitychange', ask);
})();
