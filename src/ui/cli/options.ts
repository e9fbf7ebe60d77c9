/** Options that many commands share, with one spelling and one meaning; and the examples that begin every help. */
import { parseDuration } from '#events/values/duration.ts';
import { isName, nameRule } from '#events/values/name.ts';
import { Option, type Command } from 'commander';
import { usageError } from './errors.ts';
import { formats } from './output/formats.ts';
import type { Settings } from './settings.ts';

export interface LabOptions {
  readonly server?: string;
  readonly context?: string;
}
export interface ReadOptions extends LabOptions {
  readonly output?: string;
  readonly quiet?: boolean;
  readonly at?: string;
  readonly namespace?: string;
}
export interface WaitOptions extends LabOptions {
  readonly output?: string;
  readonly quiet?: boolean;
  readonly detach?: boolean;
  readonly timeout?: string;
}
export interface ChangeOptions extends WaitOptions {
  readonly dryRun?: boolean;
  readonly namespace?: string;
  readonly yes?: boolean;
}

export const outputOptions = (command: Command, quiet = 'print names only'): Command =>
  command
    .addOption(
      new Option('-o, --output <format>', 'how to print it; json and yaml have times in UTC, ISO 8601').choices([
        ...formats,
      ]),
    )
    .option('-q, --quiet', quiet);

/** For an option that may be given again: all of its values, in their order. */
export const eachOne = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export const namespaceOption = (command: Command): Command =>
  command.option('-n, --namespace <name>', 'the namespace that is meant');

export const atOption = (command: Command): Command =>
  command.option('--at <moment>', 'as it was: an index, a time, or how long ago (2h)');

export const readOptions = (command: Command): Command => atOption(outputOptions(command));

const waitOptions = (command: Command): Command =>
  outputOptions(command, 'say nothing on success')
    .option('--wait', 'wait until it is done (the default)')
    .option('--detach', 'do not wait: print the operation and end')
    .option('--timeout <duration>', 'how long to wait: 30s, 10m', '10m');

export const changeOptions = (command: Command): Command =>
  waitOptions(command).option('--dry-run', 'change nothing: print what would happen');

/** For what asks: it interrupts a service, or something is lost, or it is a plan. */
export const yesOption = (command: Command): Command =>
  command.option('-y, --yes', 'do not ask; needed where there is no terminal');

const defaults = new WeakMap<Command, Command>();

/** What a group does when no command of it is named: `floatlab node token` makes one. */
export function defaultCommand(group: Command, name: string): Command {
  const command = group.command(name, { isDefault: true });
  defaults.set(group, command);
  return command;
}
export const defaultOf = (group: Command): Command | undefined => defaults.get(group);

const examplesBy = new WeakMap<Command, readonly string[]>();

/** What `--help` begins with. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  examplesBy.set(command, lines);
  return command.addHelpText('before', `Examples:\n${lines.map((line) => `  $ ${line}\n`).join('')}`);
}

/** Those of a group are those of its first commands; of the groups in it, too. */
export function groupExamples(group: Command): Command {
  for (const inner of group.commands) if (inner.commands.length > 0) groupExamples(inner);
  const meant = defaultOf(group);
  const hasOptions = meant?.options.some(({ long }) => long !== '--help') ?? false;
  if (meant && hasOptions) {
    const path = [...pathOf(group), meant.name()].join(' ');
    group.addHelpText('after', `\nAlone it does what ${meant.name()} does. Its options:\n  ${path} --help`);
  }
  const all = group.commands.map((command) => examplesBy.get(command) ?? []);
  const [only = []] = all;
  return examples(group, ...(all.length === 1 ? only : all.slice(0, 2).flatMap(([first]) => first ?? [])));
}

const pathOf = (command: Command): readonly string[] =>
  command.parent ? [...pathOf(command.parent), command.name()] : [command.name()];

/** Where a command that changes something looks for a thing. */
export const namespaceFor = (options: { readonly namespace?: string }, settings: Settings): string | undefined =>
  checkedNamespace(options.namespace) ?? settings.namespace;

function checkedNamespace(namespace: string | undefined): string | undefined {
  if (namespace === undefined || isName(namespace)) return namespace;
  throw usageError(`${namespace} is not a name of a namespace.`, `For names, ${nameRule}.`);
}

export interface Ref {
  readonly namespace?: string;
  readonly name: string;
}

/** `photos`, or `media/photos` when the namespace is said with the name. */
export function refOf(text: string, options: { readonly namespace?: string }, settings: Settings): Ref {
  const [first = '', second, ...more] = text.split('/');
  const name = second ?? first;
  const namespace = second === undefined ? namespaceFor(options, settings) : checkedNamespace(first);
  if (more.length > 0 || !isName(name)) throw usageError(`${text} is not a name.`, `For names, ${nameRule}.`);
  return namespace === undefined ? { name } : { namespace, name };
}

/** @returns milliseconds */
export function durationOf(text: string, option: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw usageError(`${option} ${text} is not a duration.`, 'Write for example 30s, 10m or 2h.');
  return ms;
}

export function countOf(text: string, option: string, most: number): number {
  const count = Number(text);
  if (!/^\d{1,9}$/.test(text) || count < 1 || count > most) {
    throw usageError(`${option} ${text} is not a number from 1 to ${most}.`);
  }
  return count;
}

/**
 * `--at`: an index (`812`), a time (`2026-11-21T14:02`, `2026-11-21 14:02:11`, `14:02`), or how long ago (`2h`).
 * @returns an index or a time in ISO 8601
 */
export function momentOf(text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  if (/^\d{1,15}$/.test(trimmed)) return trimmed;
  const ago = parseDuration(trimmed.replace(/^-/, '').replace(/\s+ago$/, ''));
  if (ago !== undefined) return new Date(now - ago).toISOString();
  const isClock = /^\d{2}:\d{2}(?::\d{2})?$/.test(trimmed);
  const time = Date.parse(isClock ? `${today(now)}T${trimmed}` : trimmed);
  if (/^\d/.test(trimmed) && Number.isFinite(time)) return new Date(time).toISOString();
  throw usageError(
    `--at ${text} is not a moment.`,
    'Write an index (812), a time (2026-11-21T14:02) or how long ago (2h).',
  );
}

function today(now: number): string {
  const date = new Date(now);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
