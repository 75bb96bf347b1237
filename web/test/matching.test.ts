// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { matchPerson, matchTitle, type Span, toNeedle } from '../src/finder/matching.js';

/** With what is marked in brackets; undefined: not found. */
function marked(text: string, spans: readonly Span[] | undefined): string | undefined {
  if (!spans) return undefined;
  let done = 0;
  let out = '';
  for (const [from, to] of spans) {
    out += `${text.slice(done, from)}[${text.slice(from, to)}]`;
    done = to;
  }
  return out + text.slice(done);
}

const person = (first_name: string, last_name: string, query: string): string | undefined =>
  marked(`${first_name} ${last_name}`.trim(), matchPerson({ first_name, last_name }, toNeedle(query)));
const title = (text: string, query: string): string | undefined => marked(text, matchTitle(text, toNeedle(query)));

describe('whose name begins so', () => {
  it.each([
    ['Hannah', 'Arendt', 'ha', '[Ha]nnah Arendt'],
    ['Hannah', 'Arendt', 'AR', 'Hannah [Ar]endt'],
    ['Hannah', 'Arendt', 'hannah a', '[Hannah A]rendt'],
    ['Hannah', 'Arendt', 'arendt', 'Hannah [Arendt]'],
    ['Hannah', 'Arendt', 'arendt han', '[Han]nah [Arendt]'],
    ['Hannah', 'Arendt', '  hannah   arendt ', '[Hannah Arendt]'],
    ['Hannah', 'Arendt', 'annah', undefined],
    ['Hannah', 'Arendt', 'hannah arendtt', undefined],
    ['Łukasz', 'Hałas', 'lukasz hal', '[Łukasz Hał]as'],
    ['Zoe\u0308', 'Strauß', 'zoe', '[Zoe\u0308] Strauß'],
    ['Zoe\u0308', 'Strauß', 'strauss', 'Zoe\u0308 [Strauß]'],
    ['نورة', 'السالم', 'الس', 'نورة [الس]الم'],
    ['Eve', '', 'ev', '[Ev]e'],
    ['Eve', '', '', 'Eve'],
  ])('%s %s, looked for by "%s", is %s', (first, last, query, expected) => {
    expect(person(first, last, query)).toBe(expected);
  });
});

describe('a group of whose name a word begins so', () => {
  it.each([
    ['Letters to Babbage', 'let', '[Let]ters to Babbage'],
    ['Letters to Babbage', 'babb', 'Letters to [Babb]age'],
    ['Letters to Babbage', 'to babb', 'Letters [to Babb]age'],
    ['Letters to Babbage', 'etters', undefined],
    ['Test-Tube: école', 'ecole', 'Test-Tube: [école]'],
    ['Test-Tube', 'tube', 'Test-[Tube]'],
    ['banana ban', 'an', undefined],
  ])('%s, looked for by "%s", is %s', (text, query, expected) => {
    expect(title(text, query)).toBe(expected);
  });
});
