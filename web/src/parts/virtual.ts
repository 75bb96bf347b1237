import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core';
import { options as preact } from 'preact';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

type Options = Pick<
  VirtualizerOptions<HTMLElement, HTMLElement>,
  'count' | 'getScrollElement' | 'estimateSize' | 'getItemKey' | 'rangeExtractor' | 'scrollPaddingStart'
>;

/** How near the end counts as at the end, in CSS pixels. */
export const AT_END_PX = 80;

/** A list that keeps its end in view where it is there, and otherwise what is in view. */
export function useVirtualizer(options: Options): Virtualizer<HTMLElement, HTMLElement> {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  const all: VirtualizerOptions<HTMLElement, HTMLElement> = {
    ...options,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    overscan: 8,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: AT_END_PX,
    onChange: (_instance, isSync) => (isSync ? drawNow(() => draw(undefined)) : draw(undefined)),
  };
  const [virtualizer] = useState(() => new Virtualizer(all));
  virtualizer.setOptions(all);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}

/** Within this frame: a position that was corrected must be drawn with the rows that it is for. */
function drawNow(work: () => void): void {
  // oxlint-disable-next-line typescript/unbound-method -- a function that is set, and no method
  const { debounceRendering } = preact;
  preact.debounceRendering = (render) => render();
  try {
    work();
  } finally {
    if (debounceRendering) preact.debounceRendering = debounceRendering;
    else delete preact.debounceRendering;
  }
}
