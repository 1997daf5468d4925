// Opens the database in the folder that is named with another model, whose vectors are there; its parent kills it.

import { systemRandom } from '../../src/base/random.ts';
import { NO_KEYS } from '../../src/store/embedded/border/opening-settings.ts';
import { openDatabase } from '../../src/store/embedded/database/database.ts';
import { NEW_MODEL } from './reembedding-setup.ts';

const settings = { dataDir: process.argv[2] as string, databasePagesMax: null, mayReembed: true, seal: NO_KEYS };
process.stdout.write('opening\n');
const { id: embeddingId, dimension } = NEW_MODEL;
openDatabase({ ...settings, embeddingId, dimension }, { random: systemRandom }).close();
