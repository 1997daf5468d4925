const NAME_CHARACTERS_MAX = 64;

/** One step of a JSON Pointer (RFC 6901) that somebody reads: a name of any length is shown by its start. */
export function pointerStep(name: string): string {
  const shown = name.length > NAME_CHARACTERS_MAX ? `${name.slice(0, NAME_CHARACTERS_MAX).toWellFormed()}...` : name;
  return `/${shown.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
