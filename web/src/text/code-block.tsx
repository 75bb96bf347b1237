import type { ComponentChildren } from 'preact';
import { useCopy } from '../parts/copy-button.js';
import { Copy, Tick } from '../parts/icons.js';

interface CodeBlockProps {
  readonly text: string;
  /** As it was written behind the fence; may be empty. */
  readonly language: string;
  readonly end: ComponentChildren;
}

/** Its lines do not break; they scroll, also by keyboard. Code runs from left to right, whatever its comments say. */
export function CodeBlock({ text, language, end }: CodeBlockProps) {
  const { isCopied, copyText } = useCopy();
  return (
    <div class={language === '' ? 'code bare' : 'code'} dir="ltr">
      <div class="code-top">
        {language !== '' && <span>{language}</span>}
        <button
          type="button"
          class="icon"
          aria-label={isCopied ? 'Copied' : 'Copy code'}
          onClick={() => copyText(text)}
        >
          {isCopied ? <Tick /> : <Copy />}
        </button>
      </div>
      <pre tabIndex={0}>
        <code>
          {text}
          {end}
        </code>
      </pre>
    </div>
  );
}
