// The collections that belong together: one for each level, and that of the documents.

import { LEVELS } from '../../base/context.ts';
import { collectionOf } from './collections.ts';
import { type HttpClient, refused } from './http-client.ts';
import type { Meta } from './meta.ts';
import { documentsOf } from './qdrant-documents.ts';

/** What their names begin with. */
export type Places = Pick<Meta, 'stem' | 'documents'>;

const NOT_FOUND = 404;

function collectionsOf({ stem, documents }: Places): string[] {
  return [...LEVELS.map((level) => collectionOf(stem, level)), documentsOf(documents)];
}

export function namesOf(places: Places): string {
  return collectionsOf(places).join(', ');
}

/** In all of them; one that is not there has none. */
export async function pointsIn(http: HttpClient, places: Places): Promise<number> {
  let points = 0;
  for (const name of collectionsOf(places)) points += await pointsOf(http, name);
  return points;
}

/** Deletes those without points. Resolves with the names of the others, which stay. */
export async function dropEmpty(http: HttpClient, places: Places): Promise<string[]> {
  const kept: string[] = [];
  for (const name of collectionsOf(places)) {
    if ((await pointsOf(http, name)) > 0) kept.push(name);
    else await dropCollection(http, name);
  }
  return kept;
}

export async function dropCollection(http: HttpClient, name: string): Promise<void> {
  const dropped = await http.ask('DELETE', `/collections/${name}`);
  if ('status' in dropped && dropped.status !== NOT_FOUND) throw refused(dropped);
}

async function pointsOf(http: HttpClient, name: string): Promise<number> {
  const counted = await http.ask<{ count: number }>('POST', `/collections/${name}/points/count`, { exact: true });
  if (!('status' in counted)) return counted.result.count;
  if (counted.status !== NOT_FOUND) throw refused(counted);
  return 0;
}
