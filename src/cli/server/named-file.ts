import { readTextFile, UnreadableFile } from '../../config/text-file.ts';
import { CommandError } from '../terminal/command-error.ts';

/** What a file holds that an option or a setting names. Throws `CommandError`. `what`: it is, as `the secret`. */
export function readNamedFile(path: string, bytesMax: number, what: string, remedy: string): string {
  try {
    const file = readTextFile(path, { bytesMax, pipes: true });
    if (file !== null) return file.text;
  } catch (error) {
    if (error instanceof UnreadableFile) throw new CommandError(`cannot read ${what}: ${error.message}`, remedy);
    throw error;
  }
  throw new CommandError(`cannot read ${what} from ${path}, which does not exist`, remedy);
}
