import { storableText } from '../../shared/text.ts';

/** Stands for a value without words, which no search finds by them. */
export const NOTHING = '(nothing to search)';

/** What of a value is searched: at these paths, as LangGraph writes them (`a.b`, `a[0].b`, `a[*]`, `a[-1]`, `*`, `{a,b}`); `$` is all of it. */
export function searchedText(value: unknown, paths: readonly string[]): string {
  const texts = paths.flatMap((path) => (path === '$' ? leaves('', value) : textsAt(value, tokensOf(path))));
  return storableText(texts.join('\n'), NOTHING);
}

/** `name: text` of all that is in it, in order. */
function leaves(name: string, value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((inner) => leaves(name, inner));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([inner, held]) => leaves(inner, held));
  const text = plainText(value);
  return text === null ? [] : [name === '' ? text : `${name}: ${text}`];
}

function textsAt(value: unknown, [token, ...rest]: readonly string[]): string[] {
  if (token === undefined) {
    const text = plainText(value) ?? (typeof value === 'object' && value !== null ? JSON.stringify(value) : null);
    return text === null ? [] : [text];
  }
  if (token.startsWith('{'))
    return token
      .slice(1, -1)
      .split(',')
      .flatMap((path) => textsAt(value, [...tokensOf(path.trim()), ...rest]));
  if (typeof value !== 'object' || value === null) return [];
  if (token === '*' || token === '[*]') return Object.values(value).flatMap((inner) => textsAt(inner, rest));
  if (token.startsWith('[')) {
    const inner = Array.isArray(value) ? (value as unknown[]).at(Number.parseInt(token.slice(1, -1))) : undefined;
    return textsAt(inner, rest);
  }
  return Object.hasOwn(value, token) ? textsAt((value as Readonly<Record<string, unknown>>)[token], rest) : [];
}

function tokensOf(path: string): string[] {
  return path.match(/\{[^}]*\}|\[[^\]]*\]|[^.[\]{}]+/g) ?? [];
}

function plainText(value: unknown): string | null {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : null;
}
