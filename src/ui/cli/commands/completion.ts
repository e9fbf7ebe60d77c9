/** Completion for shells, generated from the commands themselves: what a help would list, a tab completes. */
import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../options.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

export function addCompletionCommand(program: Command, cli: Cli): void {
  const completion = program
    .command('completion')
    .description('print a script that completes commands in your shell')
    .addArgument(new Argument('<shell>', 'which shell').choices([...shells]));
  completion.action((shell: Shell) => cli.print.raw(completionScript(program, shell)));
  examples(
    completion,
    'source <(floatlab completion bash)',
    'floatlab completion fish > ~/.config/fish/completions/floatlab.fish',
  );
}

export interface Words {
  /** `volume snapshots`; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly { readonly flag: string; readonly description: string }[];
}

/** What can follow each command. */
export function wordsOf(command: Command, path = ''): readonly Words[] {
  const globals = path === '' ? [] : globalOptions(command);
  const own: Words = {
    path,
    subcommands: command.commands.map((sub) => ({ name: sub.name(), description: sub.description() })),
    options: [...command.options, ...globals]
      .filter((option) => !option.hidden)
      .flatMap(({ long, short, description }) =>
        (long ?? short) ? [{ flag: (long ?? short) as string, description }] : [],
      ),
  };
  return [own, ...command.commands.flatMap((sub) => wordsOf(sub, path === '' ? sub.name() : `${path} ${sub.name()}`))];
}

function globalOptions(command: Command): Command['options'] {
  let root = command;
  while (root.parent) root = root.parent;
  return root.options.filter(({ long }) => long !== '--version');
}

export function completionScript(program: Command, shell: Shell): string {
  const words = wordsOf(program);
  if (shell === 'bash') return bash(words);
  return shell === 'zsh' ? zsh(words) : fish(words);
}

const all = ({ subcommands, options }: Words): string =>
  [...subcommands.map(({ name }) => name), ...options.map(({ flag }) => flag), '--help'].join(' ');

/** The longest known beginning of the line decides what can follow. */
const bash = (words: readonly Words[]): string => `# bash completion of floatlab
_floatlab() {
  local path="" word known
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    known="\${path:+$path }$word"
    case "$known" in
      ${words
        .filter(({ path }) => path !== '')
        .map(({ path }) => `"${path}"`)
        .join('|')}) path="$known" ;;
    esac
  done
  case "$path" in
${words.map((one) => `    "${one.path}") word="${all(one)}" ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$word" -- "\${COMP_WORDS[COMP_CWORD]}"))
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then compopt -o default; fi
}
complete -F _floatlab floatlab
`;

const zsh = (words: readonly Words[]): string => `#compdef floatlab
# zsh completion of floatlab
_floatlab() {
  local path="" word known
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ "$word" == -* ]] && continue
    known="\${path:+$path }$word"
    case "$known" in
      ${words
        .filter(({ path }) => path !== '')
        .map(({ path }) => `"${path}"`)
        .join('|')}) path="$known" ;;
    esac
  done
  case "$path" in
${words.map((one) => `    "${one.path}") candidates=(${described(one, zshQuoted)}) ;;`).join('\n')}
  esac
  _describe 'floatlab' candidates || _files
}
if [ "$funcstack[1]" = "_floatlab" ]; then _floatlab "$@"; else compdef _floatlab floatlab; fi
`;

const described = ({ subcommands, options }: Words, quoted: (name: string, text: string) => string): string =>
  [
    ...subcommands.map(({ name, description }) => quoted(name, description)),
    ...options.map(({ flag, description }) => quoted(flag, description)),
    quoted('--help', 'show help'),
  ].join(' ');

const zshQuoted = (name: string, text: string): string => `'${`${name}:${text}`.replaceAll("'", "'\\''")}'`;

const fish = (words: readonly Words[]): string => {
  const lines = words.flatMap(({ path, subcommands, options }) => [
    ...subcommands.map(
      ({ name, description }) => `${condition(path)} -f -a ${fishQuoted(name)} -d ${fishQuoted(description)}`,
    ),
    ...options.map(
      ({ flag, description }) => `${condition(path)} -l ${flag.replace(/^-+/, '')} -d ${fishQuoted(description)}`,
    ),
  ]);
  return `# fish completion of floatlab
function __floatlab_path
  set -l path
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; and continue
    set -l known (string join ' ' $path $word)
    contains -- $known ${words
      .filter(({ path }) => path !== '')
      .map(({ path }) => fishQuoted(path))
      .join(' ')}; and set path $path $word
  end
  string join ' ' $path
end
function __floatlab_at
  test (__floatlab_path) = "$argv"
end
${lines.join('\n')}
`;
};

const condition = (path: string): string => `complete -c floatlab -n ${fishQuoted(`__floatlab_at ${path}`.trim())}`;
const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
