// Preloaded into a server that is to run on another package than the one that is installed, or is not: the one whose entry
// file TRANSFORMERS_URL names.

import { registerHooks } from 'node:module';

const url = process.env.TRANSFORMERS_URL;

if (url !== undefined) {
  registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier === '@huggingface/transformers' ? url : specifier, context),
  });
}
