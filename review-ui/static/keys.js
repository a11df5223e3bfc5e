// Keys: the page says which key is which act (`data-keys`, made from the same table as the hints and the help page). Here a key becomes an act, and
// an act whatever listens to it, or the button or link that carries its name.
(() => {
  'use strict';
  const keys = JSON.parse(document.body.dataset.keys || '{"off":true,"acts":{}}');
  const dialog = document.getElementById('keys-dialog');

  const press = (name) => {
    const control = document.querySelector(`[data-act="${name}"]`);
    if (control && !control.hidden && control.getAttribute('aria-disabled') !== 'true') control.click();
  };
  const act = (name) => {
    if (document.dispatchEvent(new CustomEvent('act', { detail: name, cancelable: true }))) press(name);
  };

  const help = async () => {
    try {
      const answer = await fetch('/help/keys', { headers: { 'HX-Request': 'true' } });
      if (!answer.ok) throw new Error(answer.statusText);
      dialog.querySelector('[data-part="keys"]').innerHTML = await answer.text();
      dialog.showModal();
    } catch {
      location.href = '/help#keys';
    }
  };
  document.addEventListener('act', (event) => {
    if (event.detail === 'help') { event.preventDefault(); help(); }
  });
  // The undo button acts on the field that had the focus, so it must not take it.
  document.addEventListener('mousedown', (event) => { if (event.target.closest('[data-act="undo"]')) event.preventDefault(); });
  document.addEventListener('click', (event) => { if (event.target.closest('[data-act="undo"]')) document.dispatchEvent(new CustomEvent('act', { detail: 'undo', cancelable: true })); });

  // Whoever writes in a part of the page that does something else of its own means that part: a comment is added, and what has no such name waits
  // for its button. Another form is none of the decision's business.
  const submit = (event) => {
    const part = event.target.closest('[data-enter]');
    const form = event.target.form || event.target.closest('form');
    if (part ? !part.dataset.enter : form && form.id !== 'decision') return;
    event.preventDefault();
    press(part ? part.dataset.enter : 'submit');
  };

  const typing = (target) => target.closest('textarea, select, input:not([type="radio"]):not([type="checkbox"]), [contenteditable]');
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing || dialog.open) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { submit(event); return; }
    const field = typing(event.target);
    if (event.key === 'Escape' && field) { field.blur(); return; }
    if (field || keys.off || event.ctrlKey || event.metaKey || event.altKey) return;
    const name = keys.acts[event.key];
    if (!name) return;
    event.preventDefault();
    act(name);
  });
})();
