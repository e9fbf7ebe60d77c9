/**
 * Commands in the sentences of the lab, made to mean the same thing again. The lab writes `floatlab app start films`
 * once for everybody; whoever spoke of another namespace or another lab needs `-n media` or `--context home` with it,
 * or the copied command finds something else. Pure: the tree of commands says how many words belong to one.
 */
import type { Command } from 'commander';
import { defaultOf } from './options.ts';

export interface Additions {
  /** When it is not the one that a command without `-n` would mean. */
  readonly namespace?: string | undefined;
  /** `--context home` or `--server https://…`, when it is not the lab that a command without it would mean. */
  readonly lab?: string | undefined;
}

/** They are of this machine, not of a lab. */
const withoutLab: ReadonlySet<string> = new Set(['completion', 'compose', 'context', 'help']);
const endsPhrase = /[.,:;)?!]+$/;

export function addressed(text: string, program: Command, additions: Additions): string {
  if (additions.namespace === undefined && additions.lab === undefined) return text;
  const words = text.split(' ');
  for (let at = 0; at < words.length; at++) {
    if (!/(?:^|[\s(])floatlab$/.test(words[at] ?? '')) continue;
    const found = commandAt(words, at + 1, program);
    if (!found) continue;
    const { command, last } = found;
    const more = additionsOf(command, words.slice(at, restEnd(words, last) + 1), additions);
    const word = words[last] ?? '';
    const mark = endsPhrase.exec(word)?.[0] ?? '';
    words[last] = [word.slice(0, word.length - mark.length), ...more].join(' ') + mark;
  }
  return words.join(' ');
}

/** The command that the words name, and where its own words end: before its options, and before the sentence goes on. */
function commandAt(words: readonly string[], from: number, program: Command) {
  let command = program;
  let last = from - 1;
  const more = (): boolean => {
    const next = words[last + 1];
    const isOpen = last < from || !endsPhrase.test(words[last] ?? '');
    return isOpen && next !== undefined && next !== '' && !next.startsWith('-');
  };
  while (more()) {
    const name = (words[last + 1] ?? '').replace(endsPhrase, '');
    const sub = command.commands.find((one) => one.name() === name);
    if (!sub) break;
    [command, last] = [sub, last + 1];
  }
  // A group is no command that could be given, but for one that does something by itself.
  const meant = command.commands.length > 0 ? defaultOf(command) : command;
  if (command === program || !meant) return undefined;
  command = meant;
  for (const argument of command.registeredArguments) {
    if (!more() || argument.variadic) break;
    // An optional one is meant when nothing comes after it: else the sentence goes on (`floatlab ps shows …`).
    const isLast = last + 2 >= words.length || endsPhrase.test(words[last + 1] ?? '');
    if (!argument.required && !isLast) break;
    last++;
  }
  return { command, last };
}

/** The last word of the phrase, options included. */
function restEnd(words: readonly string[], from: number): number {
  let end = from;
  while (end + 1 < words.length && !endsPhrase.test(words[end] ?? '')) end++;
  return end;
}

function additionsOf(command: Command, phrase: readonly string[], { namespace, lab }: Additions): string[] {
  const says = (...flags: string[]): boolean => phrase.some((word) => flags.includes(word));
  const takesNamespace = command.options.some(({ long }) => long === '--namespace');
  const isNamed = says('-n', '--namespace') || phrase.some((word) => /^[a-z][a-z0-9-]*\/[a-z]/.test(word));
  const top = pathOf(command)[0] ?? '';
  return [
    ...(namespace !== undefined && takesNamespace && !isNamed ? ['-n', namespace] : []),
    ...(lab !== undefined && !withoutLab.has(top) && !says('--context', '--server') ? [lab] : []),
  ];
}

/** `volume snapshot`, without the program's own name. */
export function pathOf(command: Command): readonly string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : [];
}
