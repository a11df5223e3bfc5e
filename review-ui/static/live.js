// Keeps the page up to date: one stream of Server-Sent Events, or a question now and then where streams do not come through. Parts of the page are
// replaced by what the server renders for them. No part holds a field, so nothing that somebody types is touched.
(() => {
  'use strict';
  const query = document.body.dataset.live;
  if (query === undefined) return;
  const part = (name) => document.querySelector(`[data-part="${name}"]`);
  const told = document.getElementById('told');
  const title = document.title;
  // How often a page asks that cannot stream, and how long until it tries to stream again.
  const ASK = 15000;
  const TRY_AGAIN = 60000;

  // Said politely, one thing after the other: a region whose text is replaced at once is not read.
  let saying;
  document.addEventListener('tell', (event) => {
    told.textContent = '';
    clearTimeout(saying);
    saying = setTimeout(() => { told.textContent = event.detail; }, 50);
  });
  const tell = (text) => document.dispatchEvent(new CustomEvent('tell', { detail: text }));

  const replace = (name, html) => {
    const element = part(name);
    if (!element || element.innerHTML === html) return;
    const held = element.contains(document.activeElement);
    element.innerHTML = html;
    if (!held) return;
    // What had the focus is gone: it goes to what stands in its place.
    const next = element.querySelector('button, a');
    if (next) next.focus();
    else { element.tabIndex = -1; element.focus(); }
  };

  // Only the queue's own page says its numbers, and not with every change: somebody may be reading.
  let spoken = Date.now();
  let waiting;
  const counted = (data) => {
    replace('counts', data.html);
    document.title = data.waiting > 0 ? `(${data.waiting}) ${title}` : title;
    if (waiting !== undefined && waiting !== data.waiting && part('counts') && Date.now() - spoken > 10000) {
      spoken = Date.now();
      tell(data.waiting === 1 ? 'One review waits.' : `${data.waiting} reviews wait.`);
    }
    waiting = data.waiting;
  };

  const take = {
    counts: counted,
    level: (data) => replace('level', data.html),
    session: (data) => { replace('session', data.html); stop(); },
    item: (data) => {
      replace('item', data.html);
      document.dispatchEvent(new CustomEvent('item', { detail: data }));
    },
  };
  // Numbers of messages rise with time, whichever way they come.
  const seen = {};
  const message = (name, id, data) => {
    if (seen[name] !== undefined && id < seen[name]) return;
    seen[name] = id;
    take[name](data);
  };

  let source;
  let asking;
  const stop = () => {
    if (source) source.close();
    source = undefined;
    clearTimeout(asking);
  };

  const ended = () => {
    stop();
    replace('session', '<p><strong>You are signed out.</strong> What you typed stays on this page. <a href="/signin">Sign in again</a></p>');
  };
  const ask = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(`/live/now${query}`, { headers: { 'HX-Request': 'true' } });
        if (answer.status === 401) { ended(); return; }
        if (answer.ok) (await answer.json()).forEach(({ name, id, data }) => message(name, id, data));
      } catch {
        // The desk is away; the next question may find it back.
      }
    }
    asking = setTimeout(ask, ASK);
  };

  const listen = () => {
    if (!window.EventSource) { ask(); return; }
    clearTimeout(asking);
    source = new EventSource(`/live${query}`);
    Object.keys(take).forEach((name) => source.addEventListener(name, (event) => message(name, Number(event.lastEventId), JSON.parse(event.data))));
    source.addEventListener('error', () => {
      // An interrupted stream comes back by itself; one that was refused does not.
      if (!source || source.readyState !== EventSource.CLOSED) return;
      source = undefined;
      ask();
      setTimeout(() => { if (!source && asking) listen(); }, TRY_AGAIN);
    });
  };
  addEventListener('pagehide', stop);
  // A page that comes back from the browser's own memory listens again.
  addEventListener('pageshow', (event) => { if (event.persisted) listen(); });
  listen();
})();
