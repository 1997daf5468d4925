import { styleText } from 'node:util';
import type { Environment } from '../../config/environment.ts';
import type { Output } from './node-output.ts';

/** How words stand out; where there are no colours each gives the text back as it is. */
export interface Style {
  /** What was asked for. */
  readonly found: (text: string) => string;
  /** What may be passed over. */
  readonly quiet: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

const colored =
  (format: Format) =>
  (text: string): string =>
    text === '' ? '' : styleText(format, text, { validateStream: false });
const asItIs = (text: string): string => text;

const COLORED: Style = {
  found: colored(['bold', 'yellow']),
  quiet: colored('dim'),
  good: colored('green'),
  bad: colored('red'),
};

export const PLAIN: Style = { found: asItIs, quiet: asItIs, good: asItIs, bad: asItIs };

/**
 * Colours for a terminal that has them. As with Node itself, `FORCE_COLOR` decides before `NO_COLOR`
 * (https://no-color.org, which counts where it is not empty), and either before what the output is.
 */
export function styleOf(output: Output, environment: Environment): Style {
  const { FORCE_COLOR: forced, NO_COLOR: refused, TERM: terminal } = environment;
  if (forced !== undefined) return forced === '0' || forced === 'false' ? PLAIN : COLORED;
  if (refused !== undefined && refused !== '') return PLAIN;
  return output.columns !== undefined && terminal !== 'dumb' ? COLORED : PLAIN;
}
