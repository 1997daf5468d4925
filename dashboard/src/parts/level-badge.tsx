import { LEVEL_NAMES } from '../format/levels.ts';

export function LevelBadge({ level }: { readonly level: string }) {
  const { short, name } = LEVEL_NAMES[level] ?? { short: level, name: level };
  return (
    <span class={`level level-${level}`} title={name}>
      {short}
    </span>
  );
}
