import { STYLE } from '../../common/http/page-style.js';

/** Of the page of events: its list stands at the side where there is room, and is folded where there is none. */
export const EVENTS_STYLE = `${STYLE}
.docs{max-inline-size:76rem;margin-inline:auto}
.side{padding:1.5rem 1.5rem 0}.docs main{max-inline-size:none;margin:0;padding:0 1.5rem 4rem}
.find{display:block;margin-block-start:1.25rem}.find[hidden]{display:none}
.find label{display:block;color:var(--muted);font:var(--t-small);margin-block-end:.25rem}
.find input{display:block;inline-size:100%;block-size:2.75rem;padding:0 .75rem;border:1px solid var(--line-strong);border-radius:9px;background:var(--raised);color:var(--ink);font:1rem/1.5rem var(--sans)}
.find p{min-block-size:1.25rem;margin-block-start:.25rem;color:var(--muted);font:var(--t-small)}
.side>nav{display:none}.side .of{margin-block:1rem .25rem;color:var(--muted);font:600 .8125rem/1.25rem var(--sans)}
.side li a{display:flex;flex-wrap:wrap;gap:0 .5rem;justify-content:space-between;padding:.3125rem 0;color:var(--ink);text-decoration:none;font:var(--t-small)}
.side li a:hover{color:var(--accent)}.side li code{color:var(--muted)}
.fold{margin-block-start:.75rem;border:1px solid var(--line);border-radius:10px;padding:.5rem .875rem}.fold>summary{inline-size:auto;padding-block:.25rem}
.docs h1{margin-block:1.75rem .75rem}.docs main p{margin-block-end:.75rem;max-inline-size:41rem}
h2{font:var(--t-head);letter-spacing:-.01em;margin-block:2.5rem .5rem}
.entry{border-block-start:1px solid var(--line)}.entry>summary{inline-size:auto;padding-block:.75rem}
.entry h3{display:inline;font:var(--t-title)}.entry h3 code,.entry .fine code{font-weight:400;color:var(--muted)}
.entry>div{padding-block-end:1rem;scroll-margin-block-start:4rem}
.entry pre{margin:0 0 .75rem;padding:.625rem .75rem;max-inline-size:41rem;border:1px solid var(--line);border-radius:8px;background:var(--code);font:.8125rem/1.25rem var(--mono);white-space:pre-wrap;overflow-wrap:anywhere}.entry pre code{font:inherit}
dl{margin-block-end:.75rem;max-inline-size:41rem;overflow-wrap:anywhere}dt{margin-block-start:.5rem}dd{color:var(--muted)}dd dl{margin-block:.375rem 0;padding-inline-start:.875rem;border-inline-start:1px solid var(--line)}
dt code{color:var(--ink)}dt small{color:var(--muted);font:var(--t-small)}i{font-style:normal}
.entry .fine{color:var(--muted);font:var(--t-small)}
@media(min-width:1024px){
.docs{display:grid;grid-template-columns:20rem minmax(0,1fr)}
.side{position:sticky;inset-block-start:0;block-size:100vh;overflow:auto;padding-block-end:2rem;border-inline-end:1px solid var(--line)}
.side>nav{display:block}.side .fold{display:none}
.docs main{padding:1rem 3rem 6rem}
dl{display:grid;grid-template-columns:minmax(9rem,auto) minmax(0,1fr);gap:.375rem 1rem}dt{margin:0}}`;

/**
 * Searches the page. Without it everything is there, folded: the field for the search is shown by it. On wide screens it opens all entries.
 */
export const EVENTS_SCRIPT = `
const entries = [...document.querySelectorAll('.entry')].map((box) => {
  const id = box.querySelector('div').id;
  const links = [...document.querySelectorAll('.side li a')].filter((link) => link.hash === '#' + id);
  return { box, links, id, text: box.textContent.toLowerCase() };
});
const isWide = matchMedia('(min-width:1024px)').matches;
for (const { box } of entries) box.open = isWide;
const showTarget = () => {
  const entry = entries.find(({ id }) => '#' + id === location.hash);
  if (!entry) return;
  entry.box.open = true;
  entry.box.scrollIntoView();
};
addEventListener('hashchange', showTarget);
showTarget();

const field = document.getElementById('find');
const found = document.getElementById('found');
field.closest('[hidden]').hidden = false;
const search = () => {
  const words = field.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const { box, links, text } of entries) {
    const fits = words.every((word) => text.includes(word));
    if (fits) count++;
    box.hidden = !fits;
    for (const link of links) link.parentElement.hidden = !fits;
  }
  document.getElementById('intro').hidden = words.length > 0;
  for (const part of document.querySelectorAll('main section')) part.hidden = !part.querySelector('.entry:not([hidden])');
  for (const list of document.querySelectorAll('.side ul'))
    list.previousElementSibling.hidden = !list.querySelector('li:not([hidden])');
  if (words.length === 0) found.textContent = '';
  else found.textContent = count === 0 ? 'Nothing found.' : count === 1 ? 'One entry' : count + ' entries';
};
field.addEventListener('input', search);
if (field.value) search();
`;
