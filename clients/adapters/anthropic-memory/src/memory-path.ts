const ROOT = '/memories';
const BYTES_MAX = 4_096;
/** A context has 64 tags at most, one for each prefix. */
const STEPS_MAX = 63;

/** A place below `/memories`: its names, and how it is written. */
export interface MemoryPath {
  readonly steps: readonly string[];
  readonly text: string;
}

/** Throws, in words for the model, what is no place below `/memories`; slashes that change nothing are taken out. */
export function memoryPath(given: unknown): MemoryPath {
  if (typeof given !== 'string') throw new Error('A path is required');
  const [before, root, ...rest] = given.split('/');
  if (before !== '' || `/${root}` !== ROOT) throw new Error(`Path must start with ${ROOT}, got: ${given}`);
  const steps = rest.filter((step) => step !== '' && step !== '.');
  if (steps.some(leadsOut)) throw new Error(`Path ${given} would escape ${ROOT} directory`);
  if (steps.length > STEPS_MAX) throw new Error(`Path ${given} is too deep: at most ${STEPS_MAX} levels`);
  if (Buffer.byteLength(given) > BYTES_MAX) throw new Error(`Path is too long: at most ${BYTES_MAX} bytes`);
  return pathOf(steps);
}

export function pathOf(steps: readonly string[]): MemoryPath {
  return { steps, text: [ROOT, ...steps].join('/') };
}

/** Nothing here reads files; who copies them to a disk must not find such names, however they are written. */
function leadsOut(step: string): boolean {
  const plain = step.replace(/%25/g, '%').replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
  return plain.split(/[/\\]/).includes('..') || /[\0\\]/.test(step) || !step.isWellFormed();
}
