// Thread entry: reads one document, which somebody may have made to take as much time and memory as it can.

import { parentPort, workerData } from 'node:worker_threads';
import { readDocument } from './chunks.ts';
import type { DocumentWorkerData, DocumentWorkerReply } from './document-messages.ts';
import { BadDocument, TooLargeDocument } from './reading-faults.ts';

async function reply(): Promise<DocumentWorkerReply> {
  try {
    return { document: await readDocument(workerData as DocumentWorkerData) };
  } catch (error) {
    if (error instanceof TooLargeDocument) return { tooLarge: error.message };
    if (error instanceof BadDocument) return { bad: error.message };
    throw error;
  }
}

parentPort?.postMessage(await reply());
