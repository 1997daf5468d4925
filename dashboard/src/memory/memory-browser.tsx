import { useEffect, useRef, useState } from 'preact/hooks';
import type { ContextListRequest } from '../../../src/protocol/messages.generated.ts';
import { count, plural } from '../format/numbers.ts';
import { Empty, Waiting } from '../parts/empty.tsx';
import { Problem } from '../parts/problem.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { useNarrow } from '../state/narrow.ts';
import { ContextPanel } from './context-panel.tsx';
import { ContextRow } from './context-row.tsx';
import { useListing, type Listing } from './use-listing.ts';

interface MemoryBrowserProps {
  readonly request: ContextListRequest;
  readonly namespace: string;
  /** Id of what stands in the panel. */
  readonly opened: string | null;
  readonly onOpen: (id: string | null) => void;
  readonly isFiltered: boolean;
  readonly onClear: () => void;
}

export function MemoryBrowser(props: MemoryBrowserProps) {
  const { listing, more, again } = useListing(props.request);
  const { rows, state, error } = listing;
  const [active, setActive] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const isNarrow = useNarrow();
  useEffect(() => setActive(0), [JSON.stringify(props.request)]);

  const close = (): void => {
    props.onOpen(null);
    list.current?.querySelector<HTMLElement>('[role=listbox]')?.focus();
  };
  if (rows.length === 0 && props.opened === null) {
    if (state === 'loading') return <Waiting what="Asking for contexts" />;
    if (error !== null) return <Problem error={error} onRetry={again} />;
  }
  return (
    <div
      class={`browser ${props.opened === null ? '' : 'has-panel'}`}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || props.opened === null) return;
        event.preventDefault();
        close();
      }}
    >
      <div class="card card-flush browser-list" ref={list}>
        {rows.length === 0 && state === 'end' ? (
          <NothingFound {...props} />
        ) : (
          <VirtualList
            label="Contexts, newest first"
            count={rows.length}
            rowHeight={isNarrow ? 62 : 40}
            keyOf={(index) => rows[index]?.id ?? String(index)}
            row={(index) => {
              const row = rows[index];
              return row === undefined ? null : <ContextRow row={row} />;
            }}
            active={active}
            onActive={setActive}
            opened={rows.findIndex(({ id }) => id === props.opened)}
            onOpen={(index) => props.onOpen(rows[index]?.id ?? null)}
            onNearEnd={() => state === 'more' && more()}
          />
        )}
        {(rows.length > 0 || state !== 'end') && <ListFoot listing={listing} onAgain={again} onMore={more} />}
      </div>
      {props.opened !== null && (
        <ContextPanel
          key={props.opened}
          namespace={props.namespace}
          id={props.opened}
          onOpen={props.onOpen}
          onClose={close}
        />
      )}
    </div>
  );
}

function NothingFound({ namespace, isFiltered, onClear }: MemoryBrowserProps) {
  if (!isFiltered) {
    return (
      <Empty title={`Nothing is stored in ${namespace}`}>
        <p>Store something, then look again:</p>
        <pre class="command">{`npx context-manager store "..." --namespace ${namespace}`}</pre>
      </Empty>
    );
  }
  return (
    <Empty title="Nothing fits these filters">
      <button type="button" onClick={onClear}>
        Clear the filters
      </button>
    </Empty>
  );
}

interface ListFootProps {
  readonly listing: Listing;
  readonly onAgain: () => void;
  readonly onMore: () => void;
}

function ListFoot({ listing: { rows, state, error }, onAgain, onMore }: ListFootProps) {
  return (
    <footer class="list-foot">
      <span class="num" role="status">
        {state === 'end'
          ? `${plural(rows.length, 'context')}, all of them`
          : `${count(rows.length)} shown${state === 'loading' ? ', asking for more' : ', more as you scroll'}`}
      </span>
      {state === 'problem' && error !== null ? (
        <Problem error={error} onRetry={rows.length === 0 ? onAgain : onMore} />
      ) : (
        <button type="button" class="link" onClick={onAgain}>
          Refresh
        </button>
      )}
    </footer>
  );
}
