import { computed, ParleyClient } from 'parley-client';

/*
 * A chat in plain JavaScript: stores on the one side, elements on the other. All text of others goes into `textContent`: what looks like
 * HTML stays text.
 */

const parley = new ParleyClient(document.documentElement.dataset.parley);
const part = (id) => document.getElementById(id);

/** The chat that is open, and what ends all that concerns it. */
let current;
let closing = new AbortController();

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Keeps a list's elements where their items stay: what is selected, focused or scrolled does not jump. */
function keyed(list, items, keyOf, make) {
  const wanted = new Set(items.map(keyOf));
  for (const child of Array.from(list.children)) if (!wanted.has(child.dataset.key)) child.remove();
  const known = new Map(Array.from(list.children).map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let child = known.get(key);
    if (child?.item !== item) {
      const next = Object.assign(make(item), { item });
      next.dataset.key = key;
      if (child === place) place = next;
      const hadFocus = child?.contains(document.activeElement);
      child?.replaceWith(next);
      if (hadFocus) next.querySelector('button')?.focus();
      child = next;
    }
    if (child === place) place = place.nextElementSibling;
    else list.insertBefore(child, place);
  }
}

/* ------------------------------------------------------------------------------------------------------------- Signing in */

parley.auth.subscribe((auth) => {
  part('door').hidden = auth.status !== 'signed_out';
  part('app').hidden = auth.status !== 'signed_in';
  if (auth.status === 'signed_in') part('me').textContent = auth.me.first_name;
  else close();
  if (auth.status !== 'signed_out') return;
  part('door-error').textContent = auth.reason?.message ?? '';
  part('door').email.value ||= auth.last_email ?? '';
});

part('door').addEventListener('submit', (event) => {
  event.preventDefault();
  const { email, password } = event.target;
  parley.login(email.value, password.value).then(
    () => (password.value = ''),
    (error) => {
      part('door-error').textContent = error.message;
      password.select();
    },
  );
});
part('logout').addEventListener('click', () => void parley.logout());

/* ------------------------------------------------------------------------------------------------------- The conversations */

parley.inbox.subscribe(({ rows, unread }) => {
  document.title = unread > 0 ? `(${unread}) Chat` : 'Chat';
  keyed(
    part('chats'),
    rows,
    ({ key }) => key,
    ({ key, title, unread: news, last_message, has_draft }) => {
      const preview = has_draft ? 'Draft' : last_message?.deleted ? 'Message deleted' : (last_message?.message ?? '');
      const button = element(
        'button',
        { type: 'button', onclick: () => open(parley.chat(key)) },
        element('b', { textContent: title, dir: 'auto' }),
        element('small', { textContent: preview, dir: 'auto' }),
      );
      if (news > 0) button.append(element('i', { textContent: news, title: `${news} unread` }));
      return element('li', {}, button);
    },
  );
  mark();
});

let asking = new AbortController();
part('find').addEventListener('input', ({ target }) => {
  // Answers to what was typed before come late.
  asking.abort();
  asking = new AbortController();
  const query = target.value.trim();
  if (query === '') part('found').replaceChildren();
  else
    parley.users.find(query, { signal: asking.signal }).then(
      ({ rows }) => showFound(rows),
      () => {},
    );
});

function showFound(users) {
  const me = parley.auth.get().me?.id;
  const others = users.filter(({ id }) => id !== me).slice(0, 8);
  const choose = (user) => {
    part('find').value = '';
    part('found').replaceChildren();
    open(parley.room(user.id));
  };
  const items = others.map((user) =>
    element(
      'li',
      {},
      element('button', { type: 'button', textContent: fullName(user), onclick: () => choose(user), dir: 'auto' }),
    ),
  );
  part('found').replaceChildren(...items);
}

/* -------------------------------------------------------------------------------------------------------- The open one */

function close() {
  closing.abort();
  current = undefined;
  part('chat').hidden = true;
  part('messages').replaceChildren();
  mark();
}

function open(chat) {
  if (chat === current) return;
  close();
  current = chat;
  closing = new AbortController();
  const until = { signal: closing.signal };
  chat.attach(until);
  part('chat').hidden = false;
  mark();
  isAtEnd = true;
  const title = computed(chat.summary, (summary) => summary?.title ?? '');
  title.subscribe((text) => (part('title').textContent = text), until);
  chat.timeline.subscribe(show, until);
  chat.draft.subscribe((text) => {
    if (part('draft').value !== text) part('draft').value = text;
  }, until);
  const typing = computed(chat.typing, (ids) => ids.length > 0);
  for (const store of [typing, parley.connection, chat.may, chat.timeline])
    store.subscribe(() => sayStatus(chat), until);
  part('draft').focus();
}

const fullName = (user) => (user ? `${user.first_name} ${user.last_name}`.trim() : '');

/** Marks the open chat in the list. */
function mark() {
  for (const { dataset, firstElementChild } of part('chats').children)
    firstElementChild.ariaCurrent = dataset.key === current?.key ? 'page' : null;
}

/** The end is in view. It stays there when more is written, and when the list becomes lower because the draft needs more lines. */
let isAtEnd = true;
const showEnd = () => (part('messages').scrollTop = part('messages').scrollHeight);
new ResizeObserver(() => isAtEnd && showEnd()).observe(part('messages'));

part('messages').addEventListener('scroll', ({ target: { scrollHeight, scrollTop, clientHeight } }) => {
  isAtEnd = scrollHeight - scrollTop - clientHeight < 80;
  seen();
});

function seen() {
  const last = current?.timeline.get().items.findLast((item) => item.seq !== undefined);
  if (last && isAtEnd) current.seen(last.seq);
}

function show({ items, at_start, loading, new_from }) {
  const list = part('messages');
  const [height, top] = [list.scrollHeight, list.scrollTop];
  const first = list.firstElementChild;
  keyed(list, items, ({ key }) => key, makeItem);
  for (const child of list.children)
    child.classList.toggle('new', new_from !== undefined && child.item.seq === new_from);
  const older = part('older');
  older.hidden = at_start || items.length === 0;
  older.disabled = loading === 'older';
  // What comes above pushes nothing away that somebody reads.
  if (isAtEnd) showEnd();
  else if (first !== list.firstElementChild) list.scrollTop = top + list.scrollHeight - height;
  seen();
}

function makeItem(item) {
  if (item.kind === 'notice') return element('li', { className: 'notice', textContent: item.message, dir: 'auto' });
  const text = element('p', { textContent: item.deleted ? 'Message deleted' : item.message, dir: 'auto' });
  const at = element('time', {
    dateTime: item.timestamp,
    textContent: new Date(item.timestamp).toLocaleTimeString([], { timeStyle: 'short' }),
  });
  const made = element('li', { className: `message ${item.state}` }, nameOf(item), text, at);
  if (item.mine) made.classList.add('mine');
  // An answer of the bot, while it forms: the element goes when it is stored, and its listener with it.
  item.live?.subscribe((words) => (text.textContent = words), { signal: closing.signal });
  if (item.edited_at) at.append(', edited');
  if (item.state === 'queued' || item.state === 'sending') at.textContent = 'waits';
  if (item.state === 'failed') {
    const chat = current;
    const again = () => chat.retry(item.client_id);
    const away = () => chat.setDraft(chat.discard(item.client_id) ?? '');
    made.append(
      element('p', { className: 'error', textContent: item.error?.message ?? 'It was not sent.' }),
      element('button', { type: 'button', className: 'plain', textContent: 'Send again', onclick: again }),
      element('button', { type: 'button', className: 'plain', textContent: 'Take back', onclick: away }),
    );
  }
  return made;
}

function nameOf({ mine, user_id }) {
  const name = element('b', { dir: 'auto', textContent: mine ? 'You' : 'Helper' });
  if (!mine && user_id !== null)
    parley.users
      .get(user_id)
      .subscribe((user) => (name.textContent = user?.first_name ?? ''), { signal: closing.signal });
  return name;
}

/** One line, always there, so that nothing jumps. */
function sayStatus(chat) {
  const { state } = parley.connection.get();
  const may = chat.may.get();
  part('draft').disabled = part('composer').querySelector('button').disabled = !may.write;
  part('status').textContent = !may.write
    ? 'You cannot write here.'
    : state === 'waiting' || state === 'offline'
      ? 'Offline. What you write is sent when you are back.'
      : chat.typing.get().length > 0
        ? 'Somebody types …'
        : (chat.timeline.get().error?.message ?? '');
}

/* -------------------------------------------------------------------------------------------------------- Reading and writing */

part('older').addEventListener('click', () => void current?.loadOlder());
part('draft').addEventListener('input', ({ target }) => {
  current?.setDraft(target.value);
  current?.typed();
});
part('draft').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  part('composer').requestSubmit();
});
part('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = part('draft').value;
  if (text.trim() === '') return;
  current?.send(text).catch(() => {});
  isAtEnd = true;
  showEnd();
});

// Somebody may be signed in still, from before the page was loaded.
parley.resume().catch((error) => (part('door-error').textContent = error.message));
