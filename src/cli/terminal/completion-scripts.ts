import type { Command, Option } from 'commander';

/** A command, or one of its subcommands, as a shell must know it. */
interface Node {
  /** Names from the first one on: `['circuit', 'reset']`; empty: the program itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly subcommands: readonly string[];
  /** What its arguments may be, where that is known. */
  readonly choices: readonly string[];
  readonly options: readonly Option[];
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script for the shell that completes the program's commands, options and choices, made from its declarations. */
export function completionScript(program: Command, shell: Shell): string {
  const nodes = nodesOf(program, []);
  const name = program.name();
  if (shell === 'fish') return fishScript(name, nodes);
  return shell === 'bash' ? bashScript(name, nodes) : zshScript(name, nodes);
}

function nodesOf(command: Command, path: readonly string[]): Node[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command).filter((sub) => sub.name() !== 'help');
  const node: Node = {
    path,
    description: command.description(),
    subcommands: commands.map((sub) => sub.name()),
    choices: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    options: help.visibleOptions(command),
  };
  return [node, ...commands.flatMap((sub) => nodesOf(sub, [...path, sub.name()]))];
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

/** The heads of `case` in both shells: which command this is, and of which option the value. */
function cases(nodes: readonly Node[], give: (words: readonly string[]) => string, files: string): string {
  const pathOf = ({ path }: Node): string => path.map((name) => ` ${name}`).join('');
  const commands = nodes.filter(({ path }) => path.length > 0).map((node) => `'${pathOf(node)}'`);
  const values = nodes.flatMap((node) =>
    node.options
      .filter(takesValue)
      .flatMap((option) =>
        flagsOf(option).map(
          (flag) => `    '${pathOf(node)} ${flag}') ${option.argChoices ? give(option.argChoices) : files}; return ;;`,
        ),
      ),
  );
  const flags = nodes.map((node) => `      '${pathOf(node)}') ${give(node.options.flatMap(flagsOf))} ;;`);
  const words = nodes
    .map((node) => ({ node, list: [...node.subcommands, ...node.choices] }))
    .filter(({ list }) => list.length > 0)
    .map(({ node, list }) => `      '${pathOf(node)}') ${give(list)} ;;`);
  return `    case "$route $word" in
      ${commands.join('|')}) route="$route $word" ;;
    esac
  done
  case "$route $prev" in
${values.join('\n')}
  esac
  if [[ "$cur" == -* ]]; then
    case "$route" in
${flags.join('\n')}
    esac
  else
    case "$route" in
${words.join('\n')}
      *) ${files} ;;
    esac
  fi`;
}

function functionName(name: string): string {
  return `_${name.replaceAll(/\W/g, '_')}`;
}

/** Where nothing is offered, `-o default` offers files. */
function bashScript(name: string, nodes: readonly Node[]): string {
  const offer = (words: readonly string[]): string => `COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$cur"))`;
  return `# Completion for bash: eval "$(${name} completion bash)"
${functionName(name)}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" route='' word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${cases(nodes, offer, ':')}
}
complete -o default -F ${functionName(name)} ${name}
`;
}

function zshScript(name: string, nodes: readonly Node[]): string {
  const offer = (list: readonly string[]): string => `compadd -- ${list.join(' ')}`;
  return `#compdef ${name}
# Completion for zsh: eval "$(${name} completion zsh)"
${functionName(name)}() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" route='' word
  for word in "\${(@)words[2,CURRENT-1]}"; do
${cases(nodes, offer, '_files')}
}
if [ "$funcstack[1]" = "${functionName(name)}" ]; then
  ${functionName(name)} "$@"
else
  compdef ${functionName(name)} ${name}
fi
`;
}

function fishScript(name: string, nodes: readonly Node[]): string {
  const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
  const lines = nodes.flatMap((node) => {
    const seen = node.path.map((part) => `__fish_seen_subcommand_from ${part}`);
    const here = seen.length === 0 ? ['__fish_use_subcommand'] : seen;
    const before = node.subcommands.length > 0 ? [`not __fish_seen_subcommand_from ${node.subcommands.join(' ')}`] : [];
    const when = quoted([...here, ...before].join('; and '));
    const words = [...node.subcommands, ...node.choices].map((word) => {
      const sub = nodes.find(({ path }) => path.length === node.path.length + 1 && path.at(-1) === word);
      return `complete -c ${name} -f -n ${when} -a ${word}${sub === undefined ? '' : ` -d ${quoted(sub.description)}`}`;
    });
    const options = node.options.map((option) => {
      const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
      const long = option.long === undefined ? '' : ` -l ${option.long.slice(2)}`;
      const value = option.argChoices
        ? ` -x -a ${quoted(option.argChoices.join(' '))}`
        : takesValue(option)
          ? ' -r'
          : '';
      return `complete -c ${name} -n ${when}${short}${long}${value} -d ${quoted(option.description)}`;
    });
    return [...words, ...options];
  });
  return `# Completion for fish: ${name} completion fish | source\n${lines.join('\n')}\n`;
}
