import { useEffect, useRef, useState } from 'preact/hooks';
import { copy } from './copy.js';

const SHOWN_FOR_MS = 2_000;

/** Copies, and knows for a while that it has: the button says so. */
export function useCopy(): { isCopied: boolean; copyText: (text: string) => void } {
  const [isCopied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copyText = (text: string): void => {
    void copy(text).then((isDone) => {
      if (!isDone) return;
      setCopied(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setCopied(false), SHOWN_FOR_MS);
    });
  };
  return { isCopied, copyText };
}

export function CopyButton({ text }: { text: string }) {
  const { isCopied, copyText } = useCopy();
  return (
    <button type="button" class="btn text" onClick={() => copyText(text)}>
      {isCopied ? 'Copied' : 'Copy'}
    </button>
  );
}
