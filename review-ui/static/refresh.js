// Asks for parts of the page again every few seconds, and never while nobody looks. htmx fetches and replaces them; it waits for the event because
// its own conditions would need `eval`.
(() => {
  'use strict';
  if (!document.querySelector('[data-refresh]')) return;
  let asked = Date.now();
  const ask = () => {
    // It may be another element since, with another pace, or none when there is nothing to wait for any more.
    const part = document.querySelector('[data-refresh]');
    if (!part || document.hidden || Date.now() - asked < Number(part.dataset.refresh) * 1000) return;
    asked = Date.now();
    part.dispatchEvent(new CustomEvent('refresh'));
  };
  setInterval(ask, 1000);
  document.addEventListener('visibilitychange', ask);

  // A part that is the same stays: who has the focus there, or is about to click, notices nothing. What is new is said.
  document.addEventListener('htmx:oobBeforeSwap', (event) => {
    const { target, fragment } = event.detail;
    const next = fragment.firstElementChild;
    event.detail.shouldSwap = !target.isEqualNode(next);
    const news = next.dataset.news;
    if (news && news !== target.dataset.news) document.dispatchEvent(new CustomEvent('tell', { detail: news }));
  });
})();
