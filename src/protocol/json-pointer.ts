const NAME_CHARACTERS_MAX = 64;

/** One step of a JSON Pointer (RFC 6901) that somebody reads: a name of any length is shown by its start. */
export function pointerStep(name: string): string {
  const shown = name.length > NAME_CHARACTERS_MAX ? `${startOf(name)}...` : name;
  return `/${shown.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Cut between characters: half of one has no encoding. */
function startOf(name: string): string {
  return name.slice(0, NAME_CHARACTERS_MAX).replace(/[\ud800-\udbff]$/, '');
}
