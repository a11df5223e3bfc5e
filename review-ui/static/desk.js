// Comfort for those who have scripts. Without it everything still works as forms and links.
(() => {
  'use strict';
  const all = (selector, inside = document) => Array.from(inside.querySelectorAll(selector));

  // Controls that only scripts can serve are hidden until they can.
  const reveal = () => all('.script[hidden]').forEach((control) => { control.hidden = false; });

  // What went wrong, or what is shown once, is where the person looks first.
  const attend = () => { const notice = document.querySelector('[data-focus]'); if (notice) notice.focus(); };

  // The link to the list of keys opens it over the page, where the script that does so is there.
  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-act="help"]') || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!document.dispatchEvent(new CustomEvent('act', { detail: 'help', cancelable: true }))) event.preventDefault();
  });

  reveal();
  attend();
  document.body.addEventListener('htmx:afterSwap', reveal);
})();
