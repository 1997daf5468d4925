import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface VirtualListProps {
  readonly label: string;
  readonly count: number;
  /** In pixels; every row is as high. */
  readonly rowHeight: number;
  readonly row: (index: number) => ComponentChildren;
  readonly keyOf: (index: number) => string;
  /** Where the keyboard is. */
  readonly active: number;
  readonly onActive: (index: number) => void;
  /** What is open beside the list; -1 for nothing. */
  readonly opened: number;
  readonly onOpen: (index: number) => void;
  /** The end comes into sight. */
  readonly onNearEnd: () => void;
}

/** Rows above and below what is in sight. */
const OVERSCAN = 10;

/** A list of any length of which only what is in sight is drawn. */
export function VirtualList(props: VirtualListProps) {
  const { count, rowHeight, active, opened, onNearEnd } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const end = Math.min(count, Math.ceil((top + height) / rowHeight) + OVERSCAN);
  useEffect(() => {
    if (end >= count - OVERSCAN) onNearEnd();
  }, [end, count]);

  const moveTo = (wanted: number): void => {
    const index = Math.max(0, Math.min(count - 1, wanted));
    props.onActive(index);
    const element = box.current;
    if (element === null) return;
    if (index * rowHeight < element.scrollTop) element.scrollTop = index * rowHeight;
    const overlap = (index + 1) * rowHeight - element.scrollTop - element.clientHeight;
    if (overlap > 0) element.scrollTop += overlap;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: count - 1,
    };
    const wanted = steps[event.key];
    if (wanted !== undefined) moveTo(wanted);
    else if (event.key === 'Enter' || event.key === ' ') props.onOpen(active);
    else return;
    event.preventDefault();
  };

  const idOf = (index: number): string => `row-${index}`;
  return (
    <div
      ref={box}
      class="virtual-list"
      role="listbox"
      aria-label={props.label}
      aria-activedescendant={active >= first && active < end ? idOf(active) : undefined}
      tabIndex={0}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      <div class="virtual-space" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        {Array.from({ length: Math.max(0, end - first) }, (_, offset) => {
          const index = first + offset;
          return (
            <div
              key={props.keyOf(index)}
              id={idOf(index)}
              role="option"
              class={`virtual-row ${index === active ? 'is-active' : ''}`}
              aria-selected={index === opened}
              aria-setsize={count}
              aria-posinset={index + 1}
              style={{ height: `${rowHeight}px`, transform: `translateY(${index * rowHeight}px)` }}
              onClick={() => {
                props.onActive(index);
                props.onOpen(index);
              }}
            >
              {props.row(index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
