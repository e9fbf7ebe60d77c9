/** Keys that change nothing in the lab: what stands in them is checked all the same, so that the file is right elsewhere. */
import { commandAt } from '../command.ts';
import { keysAt } from '../keys.ts';
import type { Place, Reading } from '../reading.ts';
import { booleanAt, isEmpty, itemsAt, numberAt, stringAt, written } from '../values.ts';
import { formAt, listAt, pairsAt, type Form } from './lists.ts';

export function ignored(reading: Reading, place: Place, why: string): undefined {
  reading.note(place, `This changes nothing: ${why}.`, 'Remove it, or leave it to other tools.');
}

/** Of `deploy`: how a swarm exchanges containers. */
const updateKeys = {
  of: 'update_config',
  read: ['parallelism', 'delay', 'failure_action', 'monitor', 'max_failure_ratio', 'order'],
  mayBeEmpty: [],
  extensions: true,
} as const;

const ratio: Form = {
  what: 'a ratio',
  hint: 'Write a number from 0 to 1.',
  allowsNumbers: true,
  fits: (text) => Number(text) >= 0 && Number(text) <= 1,
};

export function checkUpdateConfig(reading: Reading, place: Place): void {
  const keys = keysAt(reading, place, updateKeys);
  for (const [key, at] of keys ?? []) {
    if (key === 'parallelism') numberAt(reading, at, 0, 1_000_000);
    else if (key === 'max_failure_ratio') formAt(reading, at, ratio);
    else if (key === 'order') oneOf(reading, at, ['start-first', 'stop-first']);
    else stringAt(reading, at);
  }
}

/** `key=value`, as a map or as a list. */
export function checkPairs(reading: Reading, place: Place): void {
  for (const { key, at } of pairsAt(reading, place))
    if (key === '') reading.report(at, 'This has no key.', 'Write key=value.');
}

const developKeys = { of: 'develop', read: ['watch'], mayBeEmpty: [], extensions: true } as const;
const watchKeys = {
  of: 'a watch',
  read: ['path', 'action', 'target', 'exec', 'ignore', 'include', 'initial_sync'],
  mayBeEmpty: [],
  extensions: true,
} as const;
const execKeys = {
  of: 'exec',
  read: ['command', 'user', 'privileged', 'working_dir', 'environment'],
  mayBeEmpty: ['command'],
  extensions: true,
} as const;
const actions = ['rebuild', 'sync', 'restart', 'sync+restart', 'sync+exec'];
const anything: Form = { what: 'a path', hint: 'Write a path.', fits: () => true };

export function checkDevelop(reading: Reading, place: Place): void {
  const watch = isEmpty(place) ? undefined : keysAt(reading, place, developKeys)?.get('watch');
  for (const item of watch ? (itemsAt(reading, watch) ?? []) : []) {
    const keys = keysAt(reading, item, watchKeys);
    if (!keys) continue;
    for (const key of ['path', 'action'] as const)
      if (!keys.has(key)) reading.report(item, `This watch has no \`${key}\`.`, 'Write {path: ./src, action: sync}.');
    for (const [key, at] of keys) {
      if (key === 'action') oneOf(reading, at, actions);
      else if (key === 'exec') checkExec(reading, at);
      else if (key === 'initial_sync') booleanAt(reading, at);
      else if (key === 'ignore' || key === 'include') listAt(reading, at, anything, 'one or list');
      else stringAt(reading, at);
    }
  }
}

function checkExec(reading: Reading, place: Place): void {
  const keys = keysAt(reading, place, execKeys);
  if (keys && !keys.has('command')) reading.report(place, 'This `exec` has no `command`.', 'Write the command to run.');
  for (const [key, at] of keys ?? []) {
    if (key === 'command') commandAt(reading, at);
    else if (key === 'privileged') booleanAt(reading, at);
    else if (key === 'environment') checkPairs(reading, at);
    else stringAt(reading, at);
  }
}

function oneOf(reading: Reading, place: Place, words: readonly string[]): void {
  const text = stringAt(reading, place);
  if (text !== undefined && !words.includes(text))
    reading.report(place, `${written(place)} is not known here.`, `Write one of: ${words.join(', ')}.`);
}
