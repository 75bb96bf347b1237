import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVERYONE, type Mark, mentionsOf, moved, placed, stillNamed } from '../src/chat/named.js';

const ADA = { id: 2, name: 'Ada Lovelace' };
/** Another one of the same name. */
const OTHER = { id: 7, name: 'Ada Lovelace' };
const ALAN = { id: 3, name: 'Alan Turing' };
const ALL = { id: EVERYONE, name: 'everyone' };

const ids = (marks: readonly Mark[]): number[] => marks.map(({ id }) => id);

/** Changes a text as somebody does who selects from `from` to `to` and types. */
function edit(text: string, marks: readonly Mark[], from: number, to: number, typed: string) {
  const after = text.slice(0, from) + typed + text.slice(to);
  return { text: after, marks: moved(marks, text, after, from + typed.length) };
}

describe('whom a text names', () => {
  it('is found by the names of those who were chosen, in their order', () => {
    const text = 'Ask @Ada Lovelace, @Alan Turing and @Ada Lovelace';
    expect(placed(text, [ADA, ALAN, OTHER])).toEqual([
      { ...ADA, start: 4 },
      { ...ALAN, start: 19 },
      { ...OTHER, start: 36 },
    ]);
    expect(placed(text, [OTHER])).toEqual([{ ...OTHER, start: 4 }]);
  });

  it.each([
    ['without the @', 'Ada Lovelace'],
    ['behind a letter', 'x@Ada Lovelace'],
    ['as the beginning of a longer word', '@Ada Lovelaces'],
    ['in other letters', '@ada lovelace'],
    ['in a part', '@Ada'],
  ])('is nobody %s', (_what, text) => {
    expect(placed(text, [ADA])).toEqual([]);
  });

  it('is the one with the longer name, where one name begins another', () => {
    expect(ids(placed('@Ada Lovelace', [{ id: 5, name: 'Ada' }, ADA]))).toEqual([2]);
    expect(ids(placed('@Ada Lovelace @Ada', [{ id: 5, name: 'Ada' }, ADA]))).toEqual([2, 5]);
  });

  it('goes along with what is written around it, and ends where the name is changed', () => {
    const text = 'to @Ada Lovelace now';
    const marks = placed(text, [ADA]);
    expect(edit(text, marks, 0, 0, 'hello, ').marks).toEqual([{ ...ADA, start: 10 }]);
    expect(edit(text, marks, 16, 20, '!').marks).toEqual([{ ...ADA, start: 3 }]);
    expect(edit(text, marks, 0, 3, '').marks).toEqual([{ ...ADA, start: 0 }]);
    expect(edit(text, marks, 15, 16, '').marks).toEqual([]);
    expect(edit(text, marks, 8, 8, 'x').marks).toEqual([]);
    expect(edit(text, marks, 3, 4, '').marks).toEqual([]);
    expect(edit(text, marks, 3, 3, 'x').marks).toEqual([]);
    expect(edit(text, marks, 16, 16, 's').marks).toEqual([]);
    expect(edit(text, marks, 0, 20, '').marks).toEqual([]);
    // Written anew, it names nobody who was not chosen.
    const gone = edit(text, marks, 15, 16, '');
    expect(edit(gone.text, gone.marks, 15, 15, 'e').marks).toEqual([]);
  });

  it('is the one of two with one name who is left', () => {
    const text = '@Ada Lovelace @Ada Lovelace';
    const marks = placed(text, [ADA, OTHER]);
    expect(ids(edit(text, marks, 0, 14, '').marks)).toEqual([7]);
    expect(ids(edit(text, marks, 13, 27, '').marks)).toEqual([2]);
    expect(ids(edit(text, marks, 14, 27, '').marks)).toEqual([2]);
  });

  it('is kept, or not, by any change: what is marked is what the text says', () => {
    const piece = fc.constantFrom('@Ada Lovelace', '@Alan Turing', '@everyone', ' ', 'a', '@', '\n');
    const texts = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(texts, fc.nat(60), fc.nat(20), texts, fc.boolean(), (text, from, length, typed, isCaretLost) => {
        const marks = placed(text, [ADA, OTHER, ALAN, ALL]);
        const to = Math.min(text.length, from + length);
        const start = Math.min(from, to);
        const after = text.slice(0, start) + typed + text.slice(to);
        const caret = isCaretLost ? 0 : start + typed.length;
        const left = moved(marks, text, after, caret);
        for (const mark of left) expect(after.startsWith(`@${mark.name}`, mark.start)).toBe(true);
        for (const { id } of left) expect(ids(marks)).toContain(id);
        expect(new Set(left.map(({ start: at }) => at)).size).toBe(left.length);
        // What stands before the change is not touched by it, unless a letter was put behind it.
        if (!isCaretLost && /^[\s@]?$/.test(after.charAt(start)))
          for (const mark of marks) if (mark.start + 1 + mark.name.length <= start) expect(left).toContainEqual(mark);
      }),
    );
  });

  it('is sent by number, each once', () => {
    expect(mentionsOf([])).toBeUndefined();
    expect(mentionsOf([ADA, ALAN, ADA])).toEqual({ user_ids: [2, 3] });
    expect(mentionsOf([ALL])).toEqual({ user_ids: [], everyone: true });
  });
});

describe('whom a message goes on to name that is changed', () => {
  const namesOf = (id: number): string[] =>
    id === 2 ? ['Ada Lovelace', 'Ada'] : id === 3 ? ['Alan Turing', 'Alan'] : [];
  const both = { user_ids: [2, 3] };

  it('are all of them as long as they stand in it', () => {
    expect(stillNamed(both, '@Ada Lovelace, @Alan', 'Well, @Ada Lovelace and @Alan', namesOf)).toBeUndefined();
    // A program, or an answer, names people of whom the text says nothing.
    expect(stillNamed(both, 'tea?', 'coffee?', namesOf)).toBeUndefined();
    expect(stillNamed({ user_ids: [99] }, '@Kim: tea?', 'tea?', namesOf)).toBeUndefined();
  });

  it('are not those whose names were taken out', () => {
    expect(stillNamed(both, '@Ada Lovelace, @Alan', '@Alan', namesOf)).toEqual({ user_ids: [3] });
    expect(stillNamed(both, '@Ada, @Alan', 'nobody', namesOf)).toEqual({ user_ids: [] });
    expect(stillNamed({ user_ids: [2], everyone: true }, '@everyone, @Ada', '@Ada', namesOf)).toEqual({
      user_ids: [2],
    });
    expect(stillNamed({ user_ids: [], everyone: true }, '@everyone', 'x', namesOf)).toEqual({ user_ids: [] });
  });
});
