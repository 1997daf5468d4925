// Opens the database in the folder that is named with another model, whose vectors are there; its parent kills it.

import { openDatabase } from '../../src/store/embedded/database/database.ts';
import { NEW_MODEL } from './reembedding-setup.ts';

const settings = { dataDir: process.argv[2] as string, databasePagesMax: null, mayReembed: true };
process.stdout.write('opening\n');
openDatabase({ ...settings, embeddingId: NEW_MODEL.id, dimension: NEW_MODEL.dimension }).close();
