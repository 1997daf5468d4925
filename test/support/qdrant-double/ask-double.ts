import type { QdrantDouble } from './start-qdrant-double.ts';

export interface Asked {
  readonly status: number;
  /** Parsed where it is JSON. */
  readonly reply: unknown;
}

/** One request, as any HTTP client makes it. */
export async function askDouble(
  { url }: Pick<QdrantDouble, 'url'>,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, reply: isJson ? (JSON.parse(text) as unknown) : text };
}
