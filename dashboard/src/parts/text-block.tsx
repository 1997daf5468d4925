import { useState } from 'preact/hooks';
import { count } from '../format/numbers.ts';
import { cut, visible } from '../format/texts.ts';

interface TextBlockProps {
  readonly text: string;
  readonly charsMax?: number;
  readonly class?: string;
}

/** A stored text as it is, only ever as a text node; a long one is cut until all of it is asked for. */
export function TextBlock({ text, charsMax = 2_000, class: more = '' }: TextBlockProps) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > charsMax;
  return (
    <div class={`text-block ${more}`}>
      <div class="text" dir="auto">
        {visible(isWhole ? text : cut(text, charsMax))}
        {isLong && !isWhole && '…'}
      </div>
      {isLong && (
        <button type="button" class="link" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Show less' : `Show all ${count(text.length)} characters`}
        </button>
      )}
    </div>
  );
}
