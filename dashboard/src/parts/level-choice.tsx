import type { Level } from '../../../src/protocol/messages.generated.ts';
import { LEVEL_NAMES, LEVELS } from '../format/levels.ts';

/** Which levels; at least one is always chosen. */
export function LevelChoice({
  chosen,
  onChange,
}: {
  readonly chosen: readonly Level[];
  readonly onChange: (levels: readonly Level[]) => void;
}) {
  const toggle = (level: Level): void => {
    const next = LEVELS.filter((each) => (each === level) !== chosen.includes(each));
    if (next.length > 0) onChange(next);
  };
  return (
    <fieldset class="choice">
      <legend class="field-label">Levels</legend>
      <div class="choice-row">
        {LEVELS.map((level) => (
          <label key={level} class="check" title={LEVEL_NAMES[level]?.name}>
            <input type="checkbox" checked={chosen.includes(level)} onChange={() => toggle(level)} />
            {LEVEL_NAMES[level]?.short}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** As it stands in an address: absent for all of them. */
export function levelsParam(levels: readonly Level[]): string | undefined {
  return levels.length === LEVELS.length ? undefined : levels.join(',');
}

export function levelsOf(param: string | null): readonly Level[] {
  const named = LEVELS.filter((level) => param?.split(',').includes(level));
  return named.length === 0 ? LEVELS : named;
}
