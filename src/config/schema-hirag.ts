import { integer, section } from './setting.ts';

export const HIRAG = section('Tiers, retrieval and ranking.', {
  l1_size: integer(50, 1, 10_000, 'Contexts of a session kept in the working set.'),
});
