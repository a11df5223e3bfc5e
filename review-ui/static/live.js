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
  // Between two times that the numbers are said: somebody may be reading.
  const PACE = 10000;

  // Said politely, and together what comes together: a region whose text is replaced at once is not read.
  let words = [];
  document.addEventListener('tell', (event) => {
    if (!words.length) {
      told.textContent = '';
      setTimeout(() => { told.textContent = words.join(' '); words = []; }, 50);
    }
    words.push(event.detail);
  });
  const tell = (text) => document.dispatchEvent(new CustomEvent('tell', { detail: text }));

  // True when it says something else now.
  const replace = (name, html) => {
    const element = part(name);
    if (!element) return false;
    const next = element.cloneNode(false);
    next.innerHTML = html;
    if (next.isEqualNode(element)) return false;
    const held = element.contains(document.activeElement);
    element.replaceChildren(...next.childNodes);
    if (!held) return true;
    // What had the focus is gone: it goes to what stands in its place.
    const control = element.querySelector('button, a');
    if (control) control.focus();
    else { element.tabIndex = -1; element.focus(); }
    return true;
  };

  // Only the queue's own page says its numbers. What changes too soon after the last time is said later, if it still differs by then.
  let waiting;
  let said;
  let spoken = Date.now();
  let speaking;
  const speak = () => {
    speaking = undefined;
    if (waiting === said) return;
    said = waiting;
    spoken = Date.now();
    tell(waiting === 1 ? 'One review waits.' : `${waiting} reviews wait.`);
  };
  const counted = (data) => {
    const changed = replace('counts', data.html);
    document.title = data.waiting > 0 ? `(${data.waiting}) ${title}` : title;
    waiting = data.waiting;
    if (!part('counts')) return;
    if (said === undefined) said = waiting;
    if (waiting !== said && speaking === undefined) speaking = setTimeout(speak, Math.max(0, spoken + PACE - Date.now()));
    // The list stays as it is: somebody may be ticking its lines. The new one is offered, once.
    const offer = part('offer');
    if (changed && offer && !offer.childElementCount) offer.append(document.getElementById('offer').content.cloneNode(true));
  };

  const standing = (data) => {
    const changed = replace('item', data.html);
    // The button beside the words speaks for itself when it is reached. Of a review that the person loses its own page speaks.
    if (changed) tell(part('item').querySelector('p').textContent.trim());
    document.dispatchEvent(new CustomEvent('item', { detail: data }));
  };

  const take = {
    counts: counted,
    level: (data) => replace('level', data.html),
    session: (data) => { stop(); replace('session', data.html); comeBack(); },
    item: standing,
  };
  // Numbers of messages rise with time, whichever way they come.
  const seen = {};
  const message = (name, id, data) => {
    if (seen[name] !== undefined && id < seen[name]) return;
    seen[name] = id;
    take[name](data);
  };

  // The way by which news comes at the moment: a stream, or questions. What an earlier one began, and ends only now, does nothing any more.
  let way;
  const stop = () => {
    if (way) way.end();
    way = undefined;
  };
  // Nothing is asked or tried while nobody looks: it waits until somebody does.
  const whenSeen = (act) => {
    if (document.hidden) document.addEventListener('visibilitychange', act, { once: true });
    else act();
  };

  // Whoever signs in again comes back to this page.
  const comeBack = () => part('session').querySelectorAll('a[href="/signin"]').forEach((link) => {
    link.href = `/signin?next=${encodeURIComponent(location.pathname + location.search)}`;
  });
  const ended = () => {
    stop();
    replace('session', '<p><strong>You are signed out.</strong> What you typed stays on this page. <a href="/signin">Sign in again</a></p>');
    comeBack();
  };
  const poll = () => {
    stop();
    let question;
    const trying = setTimeout(whenSeen, TRY_AGAIN, () => { if (way === mine) listen(); });
    const mine = way = { end: () => { clearTimeout(question); clearTimeout(trying); } };
    const ask = async () => {
      if (way !== mine) return;
      try {
        const answer = await fetch(`/live/now${query}`, { headers: { 'HX-Request': 'true' } });
        const messages = answer.ok ? await answer.json() : [];
        if (way === mine && answer.status === 401) ended();
        if (way === mine) messages.forEach(({ name, id, data }) => message(name, id, data));
      } catch {
        // The desk is away; the next question may find it back.
      }
      if (way === mine) question = setTimeout(whenSeen, ASK, ask);
    };
    whenSeen(ask);
  };
  const listen = () => {
    stop();
    const stream = new EventSource(`/live${query}`);
    const mine = way = { end: () => stream.close() };
    Object.keys(take).forEach((name) => stream.addEventListener(name, (event) => message(name, Number(event.lastEventId), JSON.parse(event.data))));
    // An interrupted stream comes back by itself; one that was refused does not.
    stream.addEventListener('error', () => { if (way === mine && stream.readyState === EventSource.CLOSED) poll(); });
  };
  addEventListener('pagehide', stop);
  // A page that comes back from the browser's own memory listens again.
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    replace('session', '');
    listen();
  });
  listen();
})();
