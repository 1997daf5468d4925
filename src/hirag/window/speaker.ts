import type { ContextRecord } from '../../base/context.ts';
import { messageOf, ROLES } from './message.ts';

const NAME_CHARS_MAX = 64;
/** What would end the line that a name stands in, or look like the beginning of another one. */
const UNFIT = /[\p{C}\p{Z}\s[\](){}<>:"`]+/gu;

/** Who said it, as a card tells it: the name that the message gives, where it says something and is not another's role. */
export function speakerOf(record: ContextRecord): string {
  const { role, name } = messageOf(record) ?? { role: 'user' as const };
  return speakerName(name) ?? role;
}

/** One line and short; undefined where nothing is left of it. */
export function speakerName(name: string | undefined): string | undefined {
  const clean = name
    ?.slice(0, 4 * NAME_CHARS_MAX)
    .replace(UNFIT, ' ')
    .trim()
    .slice(0, NAME_CHARS_MAX)
    .toWellFormed();
  const isRole = (ROLES as readonly string[]).includes(clean?.toLowerCase() ?? '');
  return clean === '' || isRole ? undefined : clean;
}
