import { PagedList, type Client } from '../../../clients/typescript/src/index.ts';
import type { Declared } from '../../support/declared-messages.ts';

/** Calls the SDK's method of a message, whichever that is; of a list, its first page. */
export function callMethod(client: Client, { method }: Declared, payload: object): Promise<unknown> {
  const methods = client as unknown as Readonly<
    Record<string, (payload: object) => Promise<unknown> | PagedList<'context.list', 'contexts'>>
  >;
  const answer = methods[method]!(payload);
  return answer instanceof PagedList ? answer.page() : answer;
}
