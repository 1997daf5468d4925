import { chosenNamespace, NamespaceField, WithNamespaces, type Namespaces } from '../parts/namespace-choice.tsx';
import { navigate } from '../state/route.ts';
import { countOf, faultOf, paramsOf, requestOf, wantedOf, type Wanted } from './filters.ts';
import { FilterForm } from './filter-form.tsx';
import { MemoryBrowser } from './memory-browser.tsx';
import { useNarrow } from '../state/narrow.ts';

export function MemoryPage({ params }: { readonly params: URLSearchParams }) {
  return (
    <div class="page page-tall">
      <WithNamespaces heading={<h1>Memory</h1>}>
        {(namespaces) => <Found namespaces={namespaces} params={params} />}
      </WithNamespaces>
    </div>
  );
}

function Found({ namespaces, params }: { readonly namespaces: Namespaces; readonly params: URLSearchParams }) {
  const wanted = wantedOf(params, chosenNamespace(namespaces, params.get('namespace')));
  const isNarrow = useNarrow();
  const show = (next: Wanted): void => navigate('memory', paramsOf(next), true);
  const clear = (): void => navigate('memory', { namespace: wanted.namespace }, true);
  const fault = faultOf(wanted);
  const filters = countOf(wanted);
  const form = <FilterForm wanted={wanted} onChange={show} />;
  return (
    <>
      <div class="page-head">
        <h1>Memory</h1>
        <NamespaceField
          namespaces={namespaces}
          value={wanted.namespace}
          onChange={(namespace) => show({ ...wanted, namespace })}
        />
      </div>
      {isNarrow ? (
        <details class="card filters-fold">
          <summary>Filters{filters === 0 ? '' : ` (${filters})`}</summary>
          {form}
        </details>
      ) : (
        <div class="card filters-card">{form}</div>
      )}
      {fault === null ? (
        <MemoryBrowser
          request={requestOf(wanted)}
          namespace={wanted.namespace}
          opened={params.get('id')}
          onOpen={(id) => navigate('memory', { ...paramsOf(wanted), id: id ?? undefined }, true)}
          isFiltered={filters > 0}
          onClear={clear}
        />
      ) : (
        <p class="notice notice-warn" role="alert">
          {fault}
        </p>
      )}
    </>
  );
}
