import { HEADER } from './header.ts';
import type { Message, Schema, Specification } from './specification.ts';

/** The SDK's methods: one for each request, named and described as messages.json says. */
export function sdkMethods({ messages }: Specification): string {
  return `${HEADER}import { captureCallSite, type CallSite } from './errors.ts';
import { PagedList } from './paged-list.ts';
import type { CallOptions, Input, ReplyOf, RequestType } from './types.ts';

/** One method for each request of the protocol; how a call is made is for whoever extends it. */
export abstract class Methods {
  protected abstract call<T extends RequestType>(
    type: T,
    request: Input<T>,
    options: CallOptions | undefined,
    site: CallSite,
  ): Promise<ReplyOf<T>>;

${messages.map(method).join('\n\n')}
}
`;
}

function method(message: Message): string {
  const { type, method: name, description } = message;
  const pagedField = pagedFieldOf(message.reply_schema);
  const lines =
    pagedField === null
      ? [
          `  ${name}(${parameters(message)}): Promise<ReplyOf<'${type}'>> {`,
          `    return this.call('${type}', ${takesPayload(message) ? 'request' : '{}'}, options, captureCallSite());`,
        ]
      : [
          `  ${name}(${parameters(message)}): PagedList<'${type}', '${pagedField}'> {`,
          '    const site = captureCallSite();',
          `    return new PagedList('${pagedField}', request, (page) => this.call('${type}', page, options, site));`,
        ];
  return [`  /** ${description} */`, ...lines, '  }'].join('\n');
}

function parameters(message: Message): string {
  const payload = `request: Input<'${message.type}'>${mayBeEmpty(message.request) ? ' = {}' : ''}, `;
  return `${takesPayload(message) ? payload : ''}options?: CallOptions`;
}

function takesPayload({ request }: Message): boolean {
  return request.properties === undefined || Object.keys(request.properties).length > 0;
}

/** A request that says nothing is one. */
function mayBeEmpty({ $ref, required, anyOf, oneOf }: Schema): boolean {
  return $ref === undefined && anyOf === undefined && oneOf === undefined && (required as unknown[]).length === 0;
}

/** A reply whose cursor is absent at the end is one page; its other list is what the pages hold. Null: not a page. */
export function pagedFieldOf({ properties = {}, required = [] }: Schema): string | null {
  if (properties['cursor'] === undefined || required.includes('cursor')) return null;
  return Object.keys(properties).find((field) => properties[field]?.['type'] === 'array') ?? null;
}
