// @vitest-environment happy-dom
import type { ChatSummary } from 'parley-client';
import { describe, expect, it } from 'vitest';
import { isQuiet, sectionsOf, unreadOf } from '../src/list/sections.js';

let id = 0;
const row = (more: Partial<ChatSummary>): ChatSummary => ({
  key: `group:${++id}`,
  ref: { type: 'group', group_id: id },
  title: '',
  last_message: null,
  unread: 0,
  unread_mentions: 0,
  notify: 'all',
  muted_until: null,
  is_favourite: false,
  is_archived: false,
  has_draft: false,
  waiting: 0,
  failed: 0,
  ...more,
});
const MUTED = { muted_until: '9999-01-01T00:00:00.000Z' };

describe('the sections of the list', () => {
  it('keep the order of the inbox; what is archived is in no other', () => {
    const [a, b, c, d, e] = [
      row({}),
      row({ is_favourite: true }),
      row({ is_archived: true, is_favourite: true }),
      row({ is_favourite: true, has_draft: true }),
      row({ is_archived: true }),
    ];
    expect(sectionsOf([a, b, c, d, e])).toEqual({ favourites: [b, d], others: [a], archived: [c, e] });
    expect(sectionsOf([])).toEqual({ favourites: [], others: [], archived: [] });
  });

  it('say what is unread in them, and whether that calls', () => {
    const loud = row({ unread: 2 });
    const muted = row({ ...MUTED, unread: 3, unread_mentions: 1 });
    const silent = row({ notify: 'none', unread: 4, unread_mentions: 2 });
    expect(unreadOf([loud])).toEqual({ count: 2, mentions: 0, isQuiet: false, isSilent: true });
    expect(unreadOf([muted])).toEqual({ count: 3, mentions: 1, isQuiet: true, isSilent: false });
    expect(unreadOf([silent])).toEqual({ count: 4, mentions: 2, isQuiet: true, isSilent: true });
    expect(unreadOf([muted, silent])).toEqual({ count: 7, mentions: 3, isQuiet: true, isSilent: false });
    expect(unreadOf([loud, muted, silent, row({})])).toEqual({
      count: 9,
      mentions: 3,
      isQuiet: false,
      isSilent: false,
    });
  });

  it('know what calls nobody', () => {
    expect([row({}), row({ notify: 'mentions' }), row(MUTED), row({ notify: 'none' })].map(isQuiet)).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});
