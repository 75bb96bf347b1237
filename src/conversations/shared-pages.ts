import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { prepareJson } from '../common/http/prepared-json.js';
import type { MessageView } from './message.view.js';
import type { PageQuery } from './page.dto.js';

/** All pages together, in memory. */
const MOST_BYTES = 32 * 1024 * 1024;
/** One page: most are some 20 KiB of JSON, and a hundred of the longest messages are more than a megabyte. */
const MOST_BYTES_OF_ONE = MOST_BYTES / 16;
/** What a page takes in memory for each byte of its JSON: the JSON, the texts, and the objects around them. */
const BYTES_EACH = 3;
/** Also how long somebody who has changed rows by hand, past the server, may have to wait until all see it. */
const KEPT_MS = 60_000;
/** Questions that are remembered. */
const REMEMBERED = 10_000;

/** Messages `from` to `to` of a chat, both included, as they are after the chat's change `lastChange`. */
export interface PagePlace {
  conversationId: number;
  from: number;
  to: number;
  lastChange: number;
}

/** A page as whoever has not reacted to anything on it sees it. */
export interface SharedPage {
  views: readonly MessageView[];
  hasReactions: boolean;
}

interface Kept {
  lastChange: number;
  page: SharedPage;
  bytes: number;
}

const placeOf = ({ conversationId, from, to }: PagePlace): string => `${conversationId} ${from} ${to}`;

/**
 * Pages of histories that more than one request asks for within a minute: when a node dies, all members of a busy group come back and ask for
 * the same one. A page is read and turned into JSON for the first two, and the rest is answered from memory.
 *
 * Nothing here can be out of date, whichever node has written: each request reads the chat's row in the database, which it does anyway to see
 * that the reader is a member, and what is in memory answers it only where the chat's `last_change` is the same. A new message is another
 * page; everything that changes a message, or the quotes of it, takes the chat's next change in the same transaction.
 *
 * Each node has its own, bounded by bytes; one that dies loses only time.
 */
@Injectable()
export class SharedPages {
  private readonly asked = new LRUCache<string, true>({ max: REMEMBERED, ttl: KEPT_MS });
  private readonly kept = new LRUCache<string, Kept>({
    maxSize: MOST_BYTES,
    maxEntrySize: MOST_BYTES_OF_ONE,
    sizeCalculation: ({ bytes }) => bytes,
    ttl: KEPT_MS,
  });
  /** Pages that are being read, by place and change: at most one each for the requests that wait. */
  private readonly reading = new Map<string, Promise<SharedPage>>();

  /** Whether the same was asked a moment ago, by whomever: what is asked once is not worth the memory. Remembers this question. */
  isAskedAgain(conversationId: number, { before, after, limit }: PageQuery): boolean {
    const question = `${conversationId} ${before ?? ''} ${after ?? ''} ${limit ?? ''}`;
    if (this.asked.has(question)) return true;
    this.asked.set(question, true);
    return false;
  }

  /** @param read reads the page, at this change or a later one */
  page(place: PagePlace, read: () => Promise<SharedPage>): SharedPage | Promise<SharedPage> {
    const name = placeOf(place);
    const kept = this.kept.get(name);
    if (kept?.lastChange === place.lastChange) return kept.page;
    const nameNow = `${name} ${place.lastChange}`;
    const before = this.reading.get(nameNow);
    if (before) return before;
    const reading = read()
      .then((page) => {
        this.keep(name, place.lastChange, page);
        return page;
      })
      .finally(() => this.reading.delete(nameNow));
    this.reading.set(nameNow, reading);
    return reading;
  }

  private keep(name: string, lastChange: number, page: SharedPage): void {
    // Read at an earlier change, and slower: what is there is newer.
    if ((this.kept.peek(name)?.lastChange ?? 0) > lastChange) return;
    this.kept.set(name, { lastChange, page, bytes: BYTES_EACH * prepareJson(page.views) });
  }
}
