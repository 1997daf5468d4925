import { betaMemoryTool, type MemoryToolHandlers } from '@anthropic-ai/sdk/helpers/beta/memory';
import type { AdapterOptions } from '../../shared/adapter-options.ts';
import { directoryView } from './directory-view.ts';
import { MemoryFiles } from './memory-files.ts';
import { memoryPath, pathOf, type MemoryPath } from './memory-path.ts';

const LINES_MAX = 999_999;
const LINE_NUMBER_WIDTH = 6;
/** What is shown around a change. */
const LINES_AROUND = 2;

/**
 * Anthropic's memory tool (`memory_20250818`) over the memory of one agent, for `client.beta.messages.toolRunner`. `properties`
 * are added to the tool's definition, as `cache_control`.
 */
export function memoryTool(
  options: AdapterOptions,
  properties?: Parameters<typeof betaMemoryTool>[1],
): ReturnType<typeof betaMemoryTool> {
  return betaMemoryTool(memoryToolHandlers(options), properties);
}

/** The six commands, for `betaMemoryTool` or a loop of your own. What fails throws an Error, in words for the model. */
export function memoryToolHandlers(options: AdapterOptions): MemoryToolHandlers {
  const files = new MemoryFiles(options);
  return {
    async view({ path: given, view_range: range }) {
      const path = memoryPath(given);
      const file = path.steps.length === 0 ? null : await files.read(path);
      if (file !== null) return fileView(path, file.content, range);
      const below = await files.below(path);
      if (below.length === 0 && path.steps.length > 0) throw missing(path);
      return directoryView(path, below);
    },

    async create({ path: given, file_text: content }) {
      const path = memoryPath(given);
      await refuseFileAbove(files, path);
      if ((await files.isThere(path)) || !(await files.create(path, content)))
        throw new Error(`File ${path.text} already exists`);
      return `File created successfully at: ${path.text}`;
    },

    async str_replace({ path: given, old_str: before, new_str: after }) {
      const path = memoryPath(given);
      let line = 0;
      const content = await files.edit(path, (text) => {
        line = onlyLineOf(path, text, before);
        return text.replace(before, () => after);
      });
      if (content === null) throw await noFile(files, path);
      const shown = numbered(content.split('\n'), line - LINES_AROUND, line + after.split('\n').length + LINES_AROUND);
      return `The memory file has been edited. Here is the snippet showing the change (with line numbers):\n${shown}`;
    },

    async insert({ path: given, insert_line: place, insert_text: added }) {
      const path = memoryPath(given);
      const content = await files.edit(path, (text) => {
        const lines = text.split('\n');
        if (!Number.isInteger(place) || place < 0 || place > lines.length)
          throw new Error(
            `Invalid \`insert_line\` parameter: ${place}. It should be within the range of lines of the file: [0, ${lines.length}]`,
          );
        return lines.toSpliced(place, 0, added.replace(/\n$/, '')).join('\n');
      });
      if (content === null) throw await noFile(files, path);
      return `The file ${path.text} has been edited.`;
    },

    async delete({ path: given }) {
      const path = memoryPath(given);
      if (path.steps.length === 0) throw new Error(`Cannot delete the ${path.text} directory itself`);
      if ((await files.delete(path)) === 0) throw new Error(`The path ${path.text} does not exist`);
      return `Successfully deleted ${path.text}`;
    },

    async rename({ old_path: oldPath, new_path: newPath }) {
      const from = memoryPath(oldPath);
      const to = memoryPath(newPath);
      if (from.steps.length === 0) throw new Error(`Cannot rename the ${from.text} directory itself`);
      if (to.steps.length === 0 || (await files.isThere(to))) throw taken(to);
      const all = await files.below(from);
      if (all.length === 0) throw new Error(`The path ${from.text} does not exist`);
      if (`${to.text}/`.startsWith(`${from.text}/`)) throw new Error(`Cannot rename ${from.text} into itself`);
      await refuseFileAbove(files, to);
      for (const { path } of all) {
        const target = pathOf([...to.steps, ...path.steps.slice(from.steps.length)]);
        if ((await files.move(path, target)) === 'taken') throw taken(target);
      }
      return `Successfully renamed ${from.text} to ${to.text}`;
    },
  };
}

function fileView(path: MemoryPath, content: string, range: readonly number[] | undefined): string {
  const lines = content.split('\n');
  if (lines.length > LINES_MAX)
    throw new Error(`File ${path.text} exceeds maximum line limit of ${LINES_MAX.toLocaleString('en')} lines.`);
  const [first = 1, last = -1] = range?.length === 2 ? range : [];
  const shown = numbered(lines, Math.max(1, first) - 1, last === -1 ? lines.length : last);
  return `Here's the content of ${path.text} with line numbers:\n${shown}`;
}

/** Lines from place `start` up to `end`, which is not among them; numbers count from 1. */
function numbered(lines: readonly string[], start: number, end: number): string {
  const from = Math.max(0, start);
  const shown = lines.slice(from, end);
  return shown.map((line, place) => `${String(from + place + 1).padStart(LINE_NUMBER_WIDTH)}\t${line}`).join('\n');
}

/** The place of the line where the one occurrence begins, from 0. */
function onlyLineOf(path: MemoryPath, text: string, part: string): number {
  const parts = part === '' ? [text] : text.split(part);
  if (parts.length === 1)
    throw new Error(`No replacement was performed, old_str \`${part}\` did not appear verbatim in ${path.text}.`);
  const breaks = part.split('\n').length - 1;
  const lines: number[] = [];
  for (let place = 0, line = 0; place < parts.length - 1; place++) {
    line += parts[place]!.split('\n').length - 1;
    lines.push(line + 1);
    line += breaks;
  }
  if (lines.length > 1)
    throw new Error(
      `No replacement was performed. Multiple occurrences of old_str \`${part}\` in lines: ${[...new Set(lines)].join(', ')}. Please ensure it is unique`,
    );
  return lines[0]! - 1;
}

/** A file has nothing below it. */
async function refuseFileAbove(files: MemoryFiles, { steps, text }: MemoryPath): Promise<void> {
  if (steps.length === 0) throw new Error(`File ${text} already exists`);
  const above = steps.slice(1).map((_, place) => pathOf(steps.slice(0, place + 1)));
  const found = await Promise.all(above.map((path) => files.read(path)));
  const file = found.find((one) => one !== null);
  if (file) throw new Error(`${file.path.text} is a file, and not a directory`);
}

async function noFile(files: MemoryFiles, path: MemoryPath): Promise<Error> {
  const isDirectory = path.steps.length === 0 || (await files.isThere(path));
  return isDirectory ? new Error(`The path ${path.text} is not a file.`) : missing(path);
}

function missing({ text }: MemoryPath): Error {
  return new Error(`The path ${text} does not exist. Please provide a valid path.`);
}

function taken({ text }: MemoryPath): Error {
  return new Error(`The destination ${text} already exists`);
}
