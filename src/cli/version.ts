import type { Command } from 'commander';
import { PROTOCOL_VERSION } from '../protocol/proof.ts';
import { jsonOption } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { renderRows } from './terminal/render.ts';

/** `version` */
export function addVersion(program: Command, io: Io, version: string): void {
  program
    .command('version')
    .description('Show the versions of this program, of its wire protocol and of Node.')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  context-manager version --json')
    .action(({ json }: { readonly json?: boolean }) => {
      const versions = { version, protocol: PROTOCOL_VERSION, node: process.versions.node };
      if (json) return writeJson(io.stdout, versions);
      const { protocol, node } = versions;
      return io.stdout.write(
        renderRows([
          ['context-manager', version],
          ['protocol', String(protocol)],
          ['node', node],
        ]),
      );
    });
}
