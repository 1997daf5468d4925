import { Argument, type Command } from 'commander';
import { completionScript, SHELLS, type Shell } from './terminal/completion-scripts.ts';
import { jsonOption } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';

const HELP = `
Put the line of your shell into its start-up file. It completes "context-manager" where that is on the PATH: after
npm install --global, or with node_modules/.bin in the PATH.

Examples:
  context-manager completion bash    # ~/.bashrc: eval "$(context-manager completion bash)"
  context-manager completion zsh     # ~/.zshrc: eval "$(context-manager completion zsh)", behind compinit
  context-manager completion fish    # ~/.config/fish/config.fish: context-manager completion fish | source`;

/** `completion <shell>` */
export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('Write a script with which a shell completes commands and options.')
    .addArgument(new Argument('<shell>', 'which').choices(SHELLS))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((shell: Shell, { json }: { readonly json?: boolean }) => {
      const script = completionScript(program, shell);
      return json ? writeJson(io.stdout, { shell, script }) : io.stdout.write(script);
    });
}
