// The evidence beside the form: size and place of the page, boxes and their fields, words that fill a field. Turning, searching and changing the page
// are links, whose answer replaces this half alone; so the form, and where its focus is, stay as they are.
(() => {
  'use strict';
  const evidence = () => document.getElementById('evidence');
  if (!evidence()) return;
  const all = (selector, inside = document) => Array.from(inside.querySelectorAll(selector));
  const view = () => evidence().querySelector('.page-view');
  const page = () => evidence().querySelector('.page');
  const tell = (text) => document.dispatchEvent(new CustomEvent('tell', { detail: text }));
  const SVG = 'http://www.w3.org/2000/svg';

  // ---- Size ----
  const STEPS = [0.5, 1, 1.5, 2, 3, 4];
  const LARGEST = 6;
  // From here on the smaller image is blurred.
  const SHARP = 1.25;
  let scale = Number((page()?.className.match(/zoom-(\d+)/) || [0, 100])[1]) / 100;

  const sharpen = () => {
    const image = page().querySelector('img');
    const large = evidence().dataset.sharp;
    if (scale > SHARP && image.getAttribute('src') !== large) image.src = large;
  };
  // The point stays where it is: the pointer's, or the middle.
  const resize = (wanted, point) => {
    if (!page()) return;
    const [frame, sheet] = [view(), page()];
    const next = Math.min(LARGEST, Math.max(STEPS[0], wanted));
    const outer = frame.getBoundingClientRect();
    const before = sheet.getBoundingClientRect();
    const at = point || { x: outer.left + frame.clientWidth / 2, y: outer.top + frame.clientHeight / 2 };
    const share = { x: (at.x - before.left) / before.width, y: (at.y - before.top) / before.height };
    scale = next;
    sheet.style.width = `${next * 100}%`;
    const after = sheet.getBoundingClientRect();
    frame.scrollLeft += after.left + share.x * after.width - at.x;
    frame.scrollTop += after.top + share.y * after.height - at.y;
    label();
    sharpen();
  };
  const label = () => {
    evidence().querySelector('[data-percent]').textContent = `${Math.round(scale * 100)} %`;
    const can = { '-1': scale > STEPS[0], 0: scale !== 1, 1: scale < STEPS.at(-1) };
    all('[data-zoom]', evidence()).forEach((control) => {
      // A link that leads nowhere could not be reached by Tab.
      control.tabIndex = 0;
      if (can[control.dataset.zoom]) control.removeAttribute('aria-disabled');
      else control.setAttribute('aria-disabled', 'true');
    });
  };
  const zoom = (by) => {
    if (by === 0) resize(1);
    else resize(by > 0 ? STEPS.find((step) => step > scale + 0.01) || STEPS.at(-1) : STEPS.findLast((step) => step < scale - 0.01) || STEPS[0]);
    tell(`${Math.round(scale * 100)} percent of the width.`);
  };

  // ---- Words ----
  const kept = new Map();
  let lines = [];
  let words = [];
  const load = async () => {
    const [half, address] = [evidence(), evidence().dataset.words];
    lines = [];
    words = [];
    if (!address) return;
    try {
      if (!kept.has(address)) {
        const answer = await fetch(address);
        if (!answer.ok) return;
        kept.set(address, (await answer.json()).lines);
      }
    } catch { return; }
    // Another page may be shown by now.
    if (half !== evidence() || half.dataset.words !== address) return;
    lines = kept.get(address);
    words = lines.flat();
    const layer = half.querySelector('.words');
    layer.replaceChildren(...words.map(([, x, y, width, height], index) => {
      const rect = document.createElementNS(SVG, 'rect');
      Object.entries({ class: 'word', x, y, width, height, 'data-n': index }).forEach(([name, value]) => rect.setAttribute(name, value));
      return rect;
    }));
    const list = half.querySelector('#words');
    list.hidden = !words.length;
    if (list.open) spell();
  };
  // One line of buttons for each line of the page; the list is one stop of the Tab key.
  const spell = () => {
    const list = evidence().querySelector('.word-list');
    let index = 0;
    list.replaceChildren(...lines.map((line) => {
      const row = document.createElement('p');
      row.append(...line.map(([text]) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = text;
        button.dataset.n = index;
        button.tabIndex = index === 0 ? 0 : -1;
        index += 1;
        return button;
      }));
      return row;
    }));
  };

  const fillable = () => all('[data-found]').filter((input) => !input.disabled && !input.readOnly);
  let field;
  let taken;
  const target = () => (field && field.isConnected ? field : fillable()[0]);
  const name = (input) => {
    const title = input.closest('[data-check]')?.querySelector('[id^="title-"]');
    return title ? title.textContent.trim() : 'the field';
  };
  // Words from one to another, in reading order. The word behind those that were taken last is added to them, and so is any with Shift.
  const take = (from, to, add) => {
    const input = target();
    if (!input) { tell('Take the review first: then words fill its fields.'); return; }
    const [start, end] = [Math.min(from, to), Math.max(from, to)];
    const text = words.slice(start, end + 1).map(([word]) => word).join(' ');
    const goes_on = taken && taken.input === input && taken.value === input.value && start === taken.end + 1;
    const value = (add || goes_on) && input.value ? `${input.value} ${text}` : text;
    input.value = value;
    taken = { input, value: input.value, end };
    const card = input.closest('details');
    if (card) card.open = true;
    all('.word', evidence()).forEach((rect) => rect.classList.toggle('taken', Number(rect.dataset.n) >= start && Number(rect.dataset.n) <= end));
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new Event('change', { bubbles: true }));
    tell(`${name(input)}: ${input.value}`);
  };

  // ---- Boxes and fields ----
  const mark = (element) => {
    all('.box.current, .hit.current', evidence()).forEach((other) => other.classList.remove('current'));
    if (!element) return;
    element.classList.add('current');
    // Only the page moves: on a narrow window the form must stay under the eyes of who types in it.
    const [frame, box, outer] = [view(), element.getBoundingClientRect(), view().getBoundingClientRect()];
    const hidden = box.left < outer.left || box.right > outer.right || box.top < outer.top || box.bottom > outer.bottom;
    if (!hidden) return;
    frame.scrollLeft += (box.left + box.right) / 2 - (outer.left + outer.right) / 2;
    frame.scrollTop += (box.top + box.bottom) / 2 - (outer.top + outer.bottom) / 2;
  };
  const open = (card) => {
    for (let element = card; element; element = element.parentElement) if (element.tagName === 'DETAILS') element.open = true;
  };
  const to_field = (field_name) => {
    const card = document.getElementById(`check-${field_name}`);
    if (!card) return;
    open(card);
    const input = card.querySelector('[data-found]');
    if (input) { input.focus(); input.select(); } else { card.tabIndex = -1; card.focus(); }
    card.scrollIntoView({ block: 'nearest' });
  };
  // The box of a field on this page, and what leads to its place, wherever that is.
  const place_of = (name) => ['.box', '.boxes li > '].map((where) => evidence().querySelector(`${where}[data-field="${CSS.escape(name)}"]`));
  let going;
  // Whoever asks for it gets it at once, wherever the focus is: not every browser gives it to what is clicked.
  const show_place = (name) => {
    const [box, link] = place_of(name);
    clearTimeout(going);
    if (box) mark(box);
    else if (link) link.click();
  };
  const to_place = (card) => {
    const [box, link] = place_of(card.id.slice('check-'.length));
    clearTimeout(going);
    if (box) { mark(box); return; }
    // Whoever only passes through a field does not want its page.
    if (link) going = setTimeout(() => { if (card.contains(document.activeElement)) link.click(); }, 250);
    else mark();
  };

  document.addEventListener('focusin', (event) => {
    if (event.target.matches('[data-found]')) field = event.target;
    view().classList.toggle('fill', event.target.matches('[data-found]'));
    const card = event.target.closest('[data-check]');
    if (card && event.target.matches('input, select, textarea')) to_place(card);
  });
  document.addEventListener('focusout', () => view().classList.remove('fill'));

  // As the person left them, whichever page is shown.
  let boxes = true;
  const show_boxes = () => {
    view().classList.toggle('hide-boxes', !boxes);
    evidence().querySelector('[data-boxes]')?.setAttribute('aria-pressed', String(boxes));
  };

  // ---- Pointer ----
  let drag;
  let dragged = false;
  const word_at = (x, y) => {
    const word = document.elementsFromPoint(x, y).find((element) => element.classList.contains('word'));
    return word && Number(word.dataset.n);
  };
  // A click on the page must not take the focus from the field that is filled.
  document.addEventListener('mousedown', (event) => {
    const inside = event.target.closest('.page, .word-list');
    if (inside && (view().classList.contains('fill') || event.target.closest('img'))) event.preventDefault();
  });
  document.addEventListener('pointerdown', (event) => {
    dragged = false;
    if (event.pointerType === 'touch' || event.button > 1 || !event.target.closest('.page-view')) return;
    const from = view().classList.contains('fill') ? word_at(event.clientX, event.clientY) : undefined;
    drag = { from, to: from, x: event.clientX, y: event.clientY, left: view().scrollLeft, top: view().scrollTop };
  });
  document.addEventListener('pointermove', (event) => {
    if (!drag) return;
    if (!event.buttons) { drag = undefined; return; }
    const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!dragged && Math.hypot(x, y) < 4) return;
    dragged = true;
    if (drag.from === undefined) {
      view().classList.add('panning');
      view().scrollLeft = drag.left - x;
      view().scrollTop = drag.top - y;
      return;
    }
    drag.to = word_at(event.clientX, event.clientY) ?? drag.to;
    const [start, end] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    all('.word', evidence()).forEach((rect) => rect.classList.toggle('taken', Number(rect.dataset.n) >= start && Number(rect.dataset.n) <= end));
  });
  const drop = (event) => {
    if (drag && dragged && drag.from !== undefined && event.type === 'pointerup') take(drag.from, drag.to, event.shiftKey);
    drag = undefined;
    view().classList.remove('panning');
  };
  document.addEventListener('pointerup', drop);
  document.addEventListener('pointercancel', drop);

  // Before the links are followed, and before htmx follows them.
  document.addEventListener('click', (event) => {
    const here = event.target.closest('#evidence');
    if (!here) {
      const at = event.target.closest('[data-at]');
      if (at) { event.preventDefault(); show_place(at.dataset.at); }
      return;
    }
    const done = () => { event.preventDefault(); event.stopPropagation(); };
    const of = (selector) => event.target.closest(selector);
    if (dragged && of('.page')) { dragged = false; done(); return; }
    if (of('.word') && view().classList.contains('fill')) { done(); take(Number(of('.word').dataset.n), Number(of('.word').dataset.n), event.shiftKey); return; }
    if (of('.word-list button')) { done(); take(Number(of('button').dataset.n), Number(of('button').dataset.n), event.shiftKey); return; }
    if (of('[data-zoom]')) { done(); if (of('[data-zoom]').getAttribute('aria-disabled') !== 'true') zoom(Number(of('[data-zoom]').dataset.zoom)); return; }
    if (of('.box')) { done(); to_field(of('.box').dataset.field); return; }
    if (of('[data-pan]')) {
      const [x, y] = of('[data-pan]').dataset.pan.split(' ').map(Number);
      view().scrollBy(x * view().clientWidth * 0.4, y * view().clientHeight * 0.4);
      return;
    }
    if (of('[data-boxes]')) {
      boxes = !boxes;
      show_boxes();
    }
  }, true);
  document.addEventListener('wheel', (event) => {
    if (!(event.ctrlKey || event.metaKey) || !event.target.closest('.page-view')) return;
    event.preventDefault();
    resize(scale * (event.deltaY < 0 ? 1.15 : 1 / 1.15), { x: event.clientX, y: event.clientY });
  }, { passive: false });

  // ---- Keyboard ----
  document.addEventListener('keydown', (event) => {
    if (event.target.matches('a[data-zoom]:not([href])') && event.key === 'Enter') { event.preventDefault(); event.target.click(); return; }
    // In a line of the decision's form it would press that form's first button.
    if (event.key === 'Enter' && !event.isComposing && event.target.matches('.evidence [data-enter] input')) {
      event.preventDefault();
      event.target.closest('[data-enter]').querySelector('button').click();
      return;
    }
    const button = event.target.closest('.word-list button');
    if (!button) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const row = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
    const list = all('button', button.closest('.word-list'));
    let next;
    if (step) next = list[list.indexOf(button) + step];
    else if (row) next = button.parentElement[row]?.querySelector('button');
    else if (event.key === 'Home') [next] = list;
    else if (event.key === 'End') next = list.at(-1);
    else if (event.key === 'Enter') { event.preventDefault(); take(Number(button.dataset.n), Number(button.dataset.n), event.shiftKey); return; }
    else if (event.key === 'Escape') { event.preventDefault(); target()?.focus(); return; }
    else return;
    event.preventDefault();
    if (!next) return;
    button.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  let listed = false;
  document.addEventListener('toggle', (event) => {
    if (event.target.id !== 'words') return;
    listed = event.target.open;
    if (listed) spell();
  }, true);

  // ---- The form's own buttons ----
  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-empty], [data-undo]');
    if (!button) return;
    const input = button.closest('[data-check]').querySelector('[data-found]');
    input.focus();
    if (button.dataset.empty !== undefined) {
      input.value = '';
      input.dispatchEvent(new Event('input', { bubbles: true }));
      input.dispatchEvent(new Event('change', { bubbles: true }));
      tell(`${name(input)} is empty.`);
    } else document.dispatchEvent(new CustomEvent('act', { detail: 'undo', cancelable: true }));
  });

  // ---- When this half was replaced ----
  let asked = '';
  let sought = evidence().querySelector('#find')?.value;
  document.addEventListener('htmx:beforeRequest', (event) => { if (event.detail.target?.id === 'evidence') asked = event.detail.pathInfo.anchor || ''; });
  const shown = () => {
    if (page()) {
      label();
      sharpen();
      show_boxes();
      const list = evidence().querySelector('#words');
      if (list) list.open = listed;
    }
    load();
    const ahead = () => (evidence().dataset.ahead || '').split(' ').filter(Boolean).forEach((address) => { new Image().src = address; });
    if (window.requestIdleCallback) requestIdleCallback(ahead); else setTimeout(ahead, 200);
  };
  document.addEventListener('htmx:afterSettle', (event) => {
    if (event.detail.target?.id !== 'evidence' && event.target.id !== 'evidence') return;
    if (page() && Number((page().className.match(/zoom-(\d+)/) || [0, 100])[1]) / 100 !== scale) page().style.width = `${scale * 100}%`;
    view().classList.toggle('fill', document.activeElement.matches('[data-found]'));
    shown();
    // The address says what is looked at, without a step in the history: going back must leave the page, not the form.
    const path = event.detail.pathInfo?.finalRequestPath || event.detail.pathInfo?.requestPath;
    if (path) history.replaceState(history.state, '', path);
    const card = document.activeElement.closest('[data-check]');
    const place = asked ? document.getElementById(asked) : card && evidence().querySelector(`.box[data-field="${CSS.escape(card.id.slice('check-'.length))}"]`);
    const find = evidence().querySelector('#find')?.value;
    const count = evidence().querySelector('#hits [role="status"]');
    const searched = count && find !== sought;
    sought = find;
    if (searched) tell(count.textContent);
    if (searched && !asked) mark(evidence().querySelector('.hit'));
    else if (place) mark(place);
  });

  // ---- When the desk does not answer ----
  // What failed, by what asked: a sign of life, a value that is compared, or the evidence itself.
  const failed = (element) => {
    if (element.id === 'lease') return 'What you typed could not be kept';
    return element.closest('#evidence') ? 'The evidence could not be shown' : 'The value could not be compared';
  };
  const advice = (status) => {
    if (status === 401) return 'You are signed out: sign in again in another window, then repeat it';
    if (status && status < 500 && status !== 429) return 'Load the page again';
    return 'The desk does not answer: try again in a moment';
  };
  ['htmx:responseError', 'htmx:sendError'].forEach((kind) => document.addEventListener(kind, (event) => {
    tell(`${failed(event.detail.elt)}. ${advice(event.detail.xhr.status)}. What you typed is still on this page.`);
  }));

  // ---- What is likely wanted next, without taking it ----
  const next_item = async () => {
    if (!document.querySelector('.submit-bar')) return;
    try {
      const answer = await fetch('/queue/ahead');
      // Says that nobody looks yet: what is fetched ahead is on record as that.
      if (answer.ok) (await answer.json()).images.forEach((address) => fetch(address, { headers: { purpose: 'prefetch' } }).then((image) => image.blob()).catch(() => {}));
    } catch { /* It only saves a moment. */ }
  };
  addEventListener('load', () => setTimeout(() => { if (!document.hidden) next_item(); }, 1500));

  shown();
  // What the person came for is what they see first: the hit, the box that the address names, or the place of the first field that needs them.
  const first = document.querySelector('.check.urgent');
  const begin = () => {
    if (!page()) return;
    const named = location.hash.startsWith('#box-') && document.getElementById(location.hash.slice(1));
    mark(named || evidence().querySelector('.hit') || (first && evidence().querySelector(`.box[data-field="${CSS.escape(first.id.slice('check-'.length))}"]`)));
  };
  const image = page()?.querySelector('img');
  if (image && !image.complete) image.addEventListener('load', begin, { once: true });
  else begin();
})();
