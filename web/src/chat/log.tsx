import { useComputed, useSignal } from '@preact/signals';
import { defaultRangeExtractor } from '@tanstack/virtual-core';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { dayLabel } from '../format.js';
import { isShown } from '../parts/focus.js';
import { Down } from '../parts/icons.js';
import { memo } from '../parts/memo.js';
import { useStore } from '../parts/store.js';
import { AT_END_PX, useVirtualizer } from '../parts/virtual.js';
import { go } from '../router.js';
import { estimate } from './estimate.js';
import { DayPicker } from './day-picker.js';
import { stateOf } from './message.js';
import { dayAt, nextMessage, savedPlace, savePlace, textWidth, whereToBegin } from './places.js';
import { LogBones, RowLine } from './row-line.js';
import { keepRows, rowsOf, type Row, type Way } from './rows.js';
import { useSeen } from './seen.js';
import { connection, me } from '../parley.js';
import type { View } from './view.js';

/** How many screens of loaded rows there are to be on either side. */
const SCREENS = 3;
const FLASH_MS = 1_000;
/** The day floats while one scrolls, and so long after it. */
const DAY_FOR_MS = 2_000;
/** What scrolls within this time of a hand that scrolls is scrolled by it. */
const HAND_MS = 500;

type Where = { readonly seq: number } | { readonly date: Date } | 'end';

/** Where one is taken once it is drawn: to a message, which flashes, or to the end. */
type Goal = { readonly seq: number } | { readonly isSmooth: boolean };

/** The page was reloaded, or returned to, and nothing was opened since: then one is where one was, also if something is new. */
let comesBack =
  (performance.getEntriesByType('navigation')[0] as PerformanceNavigationTiming | undefined)?.type !== 'navigate';

interface LogProps {
  readonly view: View;
  /** The message that a link leads to. */
  readonly seq: number | undefined;
}

/** The messages. Only those in view are in the document; what is in view stays where it is, and the end stays the end. */
export const Log = memo(function Log({ view, seq }: LogProps) {
  const { chat } = view;
  const timeline = useStore(chat.timeline);
  const receipts = useStore(chat.receipts);
  const scroller = useRef<HTMLDivElement>(null);
  const width = useSignal(600);
  /** The key of the message that has, or had, the focus: where Tab leads. */
  const focused = useSignal<string | undefined>(undefined);
  const flashed = useSignal<string | undefined>(undefined);
  const failed = useSignal<Way | undefined>(undefined);

  const before = useRef<readonly Row[]>([]);
  const rows = useComputed(() => {
    void receipts.value;
    const now = rowsOf(timeline.value, me.value?.id, (item) => stateOf(item, view), failed.value);
    return (before.current = keepRows(now, before.current));
  }).value;
  const { at_start, at_end, loading, error, below } = timeline.value;
  const keys = useMemo(() => new Map(rows.map(({ key }, index) => [key, index])), [rows]);
  const getItemKey = useMemo(() => (index: number) => rows[index]!.key, [rows]);

  /** How far below the top a row goes that one is taken to. */
  const padding = useRef(0);
  /** The focus is among the messages. */
  const hasFocus = useRef(false);
  /** Of the row in which it is, or was. */
  const focusedIndex = useRef(0);
  const list = useVirtualizer({
    count: rows.length,
    scrollPaddingStart: padding.current,
    getScrollElement: () => scroller.current,
    getItemKey,
    estimateSize: (index) => estimate(rows[index]!, width.peek()),
    // A row that has the focus is never taken out of the document.
    rangeExtractor: (range) => {
      const shown = defaultRangeExtractor(range);
      const index = hasFocus.current ? keys.get(focused.peek() ?? '') : undefined;
      return index === undefined || shown.includes(index) ? shown : [...shown, index].sort((a, b) => a - b);
    },
  });
  const items = list.getVirtualItems();
  // A question stands at a third from the top; the answer takes the room that is kept below it, and moves nothing.
  const asked = list.measurementsCache[keys.get(view.asked.value ?? '') ?? -1];
  if (asked) {
    const filled = list.getTotalSize() - asked.start;
    list.options.paddingEnd = Math.max(0, Math.round(((list.scrollRect?.height ?? 0) * 2) / 3 - filled));
  }

  /** Where Tab leads: to the message that had the focus, else to the last one in view. */
  const stop = ((): string | undefined => {
    const drawn = items.filter(({ index }) => rows[index]?.type === 'message');
    if (drawn.some(({ index }) => rows[index]!.key === focused.value)) return focused.value;
    const bottom = (list.scrollOffset ?? 0) + (list.scrollRect?.height ?? 0);
    const last = drawn.findLast(({ start }) => start < bottom) ?? drawn.at(-1);
    return last && rows[last.index]!.key;
  })();

  const scrollTo = (index: number, align: 'start' | 'center' | 'auto', down = 0): void => {
    // Read again with each frame until the row is there, since what is above it is measured meanwhile.
    padding.current = list.options.scrollPaddingStart = down;
    if (align !== 'auto') wasAtEnd.current = false;
    list.scrollToIndex(index, { align });
  };

  const focusRow = (key: string): void => {
    focused.value = key;
    hasFocus.current = true;
    const find = (): HTMLElement | null => scroller.current?.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? null;
    const now = find();
    if (now) now.focus({ preventScroll: true });
    else requestAnimationFrame(() => find()?.focus({ preventScroll: true }));
  };

  /* ------------------------------------------------------------------------------------------------------ Going somewhere */

  const goal = useSignal<Goal | undefined>(undefined);
  const isGoing = useSignal(false);
  /** Where one wanted to go, which could not be loaded. */
  const stuck = useSignal<Where | undefined>(undefined);
  const turn = useRef(0);
  /** Somebody scrolled since they wanted to go there, and is not taken away any more. */
  const handSince = useRef(false);

  /** @returns the number of the message to be shown; undefined: that could not be loaded, or one goes elsewhere by now */
  const load = async (where: Where): Promise<number | undefined> => {
    const mine = ++turn.current;
    handSince.current = false;
    isGoing.value = true;
    stuck.value = undefined;
    try {
      const found = await chat.jumpTo(where);
      return mine === turn.current ? found : undefined;
    } catch {
      if (mine === turn.current) stuck.value = where;
      return undefined;
    } finally {
      if (mine === turn.current) isGoing.value = false;
    }
  };
  const jump = async (where: Where, isSmooth = false): Promise<void> => {
    const isThere = where === 'end' && timeline.peek().at_end;
    const found = isThere ? 0 : await load(where);
    if (found === undefined) return;
    isSettled.current = true;
    goal.value = where === 'end' ? { isSmooth } : { seq: found };
  };
  view.toEnd = (isSmooth) => void jump('end', isSmooth);
  view.toMessage = (to) => void jump({ seq: to });
  const again = (): void => {
    const where = stuck.peek();
    stuck.value = undefined;
    if (where !== undefined && isSettled.current) void jump(where);
  };

  const arrive = (to: Goal): void => {
    isPlaced.current = true;
    if ('seq' in to) {
      const index = rows.findIndex((row) => row.type === 'message' && row.item.seq === to.seq);
      if (index >= 0) show(index);
      return leadFocus(rows[index]);
    }
    const isNear = list.getDistanceFromEnd() < 2 * (scroller.current?.clientHeight ?? 0);
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    list.scrollToEnd({ behavior: to.isSmooth && isNear && !isStill ? 'smooth' : 'auto' });
    leadFocus(rows.findLast(isMessage));
  };
  /** The button that led here goes away, or its message does, and the focus does not. */
  const leadFocus = (row: Row | undefined): void => {
    const active = document.activeElement;
    if (row && (active === document.body || active?.closest('.jump, .quote'))) focusRow(row.key);
  };
  const show = (index: number): void => {
    scrollTo(index, 'center');
    flashed.value = rows[index]!.key;
    setTimeout(() => (flashed.value = undefined), FLASH_MS);
  };

  /* ------------------------------------------------------------------------------------------------------ Where one begins */

  /** One was taken somewhere: what is drawn is what is to be seen. */
  const isPlaced = useRef(false);
  /** Where one is is where one stays. Before, what the device remembers may be drawn: then one is taken on once the server has said more. */
  const isSettled = useRef(false);
  const placedAt = useRef<string | undefined>(undefined);
  const place = useRef(savedPlace(chat.key));
  const isBack = useRef(comesBack);
  /** A message that was loaded to begin at it. */
  const came = useRef<number | undefined>(undefined);
  const link = useRef(seq);
  if (link.current !== seq) {
    link.current = seq;
    if (seq !== undefined) {
      isSettled.current = false;
      placedAt.current = undefined;
    }
  }
  const isSynced = connection.value.synced;
  const isWaiting = isSettled.current || rows.length === 0 || loading === 'first' || isGoing.value;
  const wished = isWaiting
    ? undefined
    : whereToBegin(
        timeline.value,
        rows,
        (key) => keys.get(key),
        { seq, place: place.current, isBack: isBack.current },
        chat.summary.get()?.last_message?.seq ?? 0,
      );
  // It was loaded, and is not there: the beginning of the history is not for everybody.
  const beginning = wished?.at === 'load' && wished.seq === came.current ? ({ at: 'end' } as const) : wished;
  // What has to be loaded first is not preceded by what happens to be there.
  const isHidden = !isPlaced.current && (beginning?.at === 'load' || isGoing.value);

  const begin = (): void => {
    if (!beginning) return;
    comesBack = false;
    if (beginning.at === 'load') {
      if (stuck.peek() === undefined) void load(beginning).then((found) => (came.current = found && beginning.seq));
      return;
    }
    isPlaced.current = true;
    const at = beginning.at === 'soon' ? 'end' : beginning.at;
    if (placedAt.current !== at) {
      placedAt.current = at;
      if (beginning.at === 'message') show(beginning.index);
      else if (beginning.at === 'new')
        scrollTo(beginning.index, 'start', Math.round(scroller.current!.clientHeight / 3));
      else if (beginning.at === 'place') scrollTo(beginning.index, 'start', -beginning.offset);
      else list.scrollToEnd();
    }
    if (!isSynced || beginning.at === 'soon') return;
    isSettled.current = true;
    // The link has led here: from now on one's own place counts.
    if (seq !== undefined) go(location.pathname, { replace: true });
  };

  void goal.value;
  if (hasFocus.current) focusedIndex.current = keys.get(focused.value!) ?? focusedIndex.current;
  const hadFocus = scroller.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    const to = goal.peek();
    goal.value = undefined;
    if (to) arrive(to);
    else begin();
    follow();
    // A row that goes away, or a button in it, leaves the focus to its neighbour.
    if (!hadFocus || document.activeElement !== document.body) return;
    const row = rows.slice(focusedIndex.current).find(isMessage) ?? rows.findLast(isMessage);
    if (row) focusRow(row.key);
    else document.querySelector<HTMLElement>('[data-region="composer"]')?.focus();
  });

  /* ------------------------------------------------------------------------------------------------------------ More pages */

  view.loadMore = (way) => {
    failed.value = undefined;
    const loaded = way === 'older' ? chat.loadOlder() : chat.loadNewer();
    loaded.catch(() => (failed.value = way));
  };
  /** More where the view comes near an edge of what is loaded. One at a time. */
  const reach = (): void => {
    const element = scroller.current;
    // Safari drops what is written while it bounces.
    if (!element || loading || failed.peek() || element.scrollTop < 0 || !isPlaced.current || isGoing.peek()) return;
    const margin = SCREENS * element.clientHeight;
    if (!at_start && element.scrollTop < margin) view.loadMore('older');
    else if (!at_end && list.getDistanceFromEnd() < margin) view.loadMore('newer');
  };
  useEffect(reach);
  useEffect(() => {
    if (!isSynced) return;
    failed.value = undefined;
    if (!handSince.current) again();
  }, [isSynced]);

  const see = useSeen(chat, () => {
    const element = scroller.current;
    if (!element || !isShown(element) || !isPlaced.current || !isSettled.current) return 0;
    const bottom = element.scrollTop + element.clientHeight + 4;
    for (const { index, end } of list.getVirtualItems().toReversed()) {
      const row = rows[index];
      if (row?.type === 'message' && row.item.seq !== undefined && end <= bottom) return row.item.seq;
    }
    return 0;
  });

  /* ------------------------------------------------------------------------------------------------------------- Scrolling */

  /** The composer grows, a keyboard opens, a phone is turned: the end stays the end. */
  const wasAtEnd = useRef(true);
  const total = useRef(0);
  /** Also where more is added, or measured to be larger, than the list follows by itself in one frame. */
  const follow = (): void => {
    if (total.current === (total.current = list.getTotalSize())) return;
    if (wasAtEnd.current && isPlaced.current && at_end && list.getDistanceFromEnd() > 1) list.scrollToEnd();
  };
  const last = useRef({ offset: 0, height: 0 });
  useLayoutEffect(() => {
    const element = scroller.current!;
    const observer = new ResizeObserver(() => {
      width.value = textWidth(element);
      if (wasAtEnd.current && isPlaced.current) list.scrollToEnd();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const handAt = useRef(-Infinity);
  const byHand = (): void => {
    handAt.current = performance.now();
    handSince.current = true;
    // What is hidden cannot be scrolled.
    if (isPlaced.current) isSettled.current = true;
  };
  const top = useSignal<string | undefined>(undefined);
  const dayTimer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(dayTimer.current), []);
  const onScroll = (): void => {
    // Not the virtualizer's own offset: it may hear of the same event only after this.
    const { scrollTop: offset, scrollHeight, clientHeight } = scroller.current!;
    const isByHand = performance.now() - handAt.current < HAND_MS;
    const isNear = scrollHeight - clientHeight - offset <= AT_END_PX;
    // What grows leads nobody away from the end: a hand does, or what scrolls up where nothing grew, as Tab does.
    const isLed = isByHand || (offset < last.current.offset && scrollHeight === last.current.height);
    wasAtEnd.current = timeline.peek().at_end && (isNear || (wasAtEnd.current && !isLed));
    last.current = { offset, height: scrollHeight };
    const first = list.getVirtualItemForOffset(offset);
    if (isSettled.current) savePlace(chat.key, wasAtEnd.current ? undefined : placeAt(offset));
    if (isByHand) {
      handAt.current = performance.now();
      clearTimeout(dayTimer.current);
      dayTimer.current = setTimeout(() => {
        // Whoever has the focus on it, or the calendar open, keeps it.
        if (!document.activeElement?.closest('.day-float')) top.value = undefined;
      }, DAY_FOR_MS);
    }
    if (isByHand || top.peek() !== undefined)
      top.value = first && !wasAtEnd.current ? dayAt(rows, first.index, offset - first.start) : undefined;
    reach();
    see();
  };
  const placeAt = (offset: number) => {
    for (const { index, start, end } of list.getVirtualItems()) {
      const row = rows[index];
      if (end > offset && row?.type === 'message' && row.item.seq !== undefined)
        return { seq: row.item.seq, offset: Math.round(offset - start) };
    }
    return undefined;
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as Element;
    const key = target.closest<HTMLElement>('.msg')?.dataset['key'];
    const index = key === undefined ? undefined : keys.get(key);
    // Code and tables scroll by the same keys.
    if (event.ctrlKey || event.metaKey || event.altKey || index === undefined || target.matches('pre, .table')) return;
    const next = nextMessage(rows, index, event.key, scroller.current!.clientHeight);
    if (next !== undefined) {
      event.preventDefault();
      byHand();
      scrollTo(next, 'auto');
      focusRow(rows[next]!.key);
    } else if (event.key === 'Enter' && target.matches('article')) {
      const row = rows[index]!;
      if (row.type !== 'message' || row.item.state !== 'stored' || row.item.deleted) return;
      event.preventDefault();
      view.menuOf.value = { item: row.item, opener: target };
    }
  };
  const onFocus = ({ target }: FocusEvent): void => {
    const row = (target as Element).closest<HTMLElement>('.place');
    const key = row?.querySelector<HTMLElement>('.msg')?.dataset['key'];
    focusedIndex.current = Number(row?.dataset['index'] ?? 0);
    hasFocus.current = key !== undefined;
    if (key !== undefined) focused.value = key;
  };
  const onBlur = ({ relatedTarget }: FocusEvent): void => {
    hasFocus.current = scroller.current?.contains(relatedTarget as Node | null) ?? false;
  };

  const isFar = !isHidden && rows.length > 0 && (!at_end || (list.getDistanceFromEnd() > 240 && !wasAtEnd.current));
  return (
    <div class="log-box">
      {loading === 'older' && <div class="loading-bar" aria-hidden="true" />}
      {top.value !== undefined && <DayPicker label={dayLabel(top.value)} onPick={(date) => void jump({ date })} />}
      <div
        class="log"
        ref={scroller}
        role="log"
        aria-live="off"
        aria-label="Messages"
        aria-busy={loading !== undefined}
        data-region="messages"
        onScroll={onScroll}
        onWheel={byHand}
        onTouchMove={byHand}
        onPointerDown={byHand}
        onKeyDown={onKeyDown}
        onFocusIn={onFocus}
        onFocusOut={onBlur}
      >
        {(isHidden || (rows.length === 0 && loading === 'first')) && !stuck.value && <LogBones />}
        {error && rows.length === 0 && <p class="none-yet">Could not load the messages. It is tried again.</p>}
        <div class="rows" style={{ blockSize: `${isHidden ? 0 : list.getTotalSize()}px` }}>
          {!isHidden &&
            items.map(({ index, key, start }) => {
              const row = rows[index]!;
              return (
                <div
                  key={key}
                  ref={list.measureElement}
                  data-index={index}
                  class={`place${flashed.value === row.key ? ' flash' : ''}`}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <RowLine row={row} view={view} isStop={row.key === stop} />
                </div>
              );
            })}
        </div>
      </div>
      {stuck.value !== undefined ? (
        <p class="jump">
          <span role="alert">Could not load the messages.</span>
          <button type="button" class="btn text" onClick={again}>
            Try again
          </button>
        </p>
      ) : (
        isFar && (
          <button type="button" class="jump" onClick={() => view.toEnd(true)}>
            <Down />
            Latest{' '}
            {below > 0 && (
              <b>
                {below > 99 ? '99+' : below}
                <span class="sr"> newer messages</span>
              </b>
            )}
          </button>
        )
      )}
    </div>
  );
});

const isMessage = (row: Row): boolean => row.type === 'message';
