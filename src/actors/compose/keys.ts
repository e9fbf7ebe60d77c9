/**
 * Which keys a map may have. A key that compose knows and FloatLab does not read yet is told apart from one that
 * nobody knows: nothing is ever dropped silently, except extensions (`x-…`), which compose ignores too.
 */
import { quoted } from './locate.ts';
import type { Place, Reading } from './reading.ts';
import { nearest } from './suggest.ts';
import { entriesAt, isEmpty, type KeyedPlace } from './values.ts';

interface KnownKeys<K extends string> {
  /** For sentences: `services`, `a healthcheck`. */
  readonly of: string;
  readonly read: readonly K[];
  /** Keys of compose that are not read yet, with what to do instead; empty for the usual hint. */
  readonly unread?: Readonly<Record<string, string>>;
  /** Keys that need no value; undefined: whoever reads them says so. */
  readonly mayBeEmpty?: readonly K[];
  /** Whether `x-…` keys are ignored here. */
  readonly extensions?: boolean;
}

export type Keys<K extends string> = ReadonlyMap<K, KeyedPlace>;

/** @returns the keys that are read, or undefined when it is not a map */
export function keysAt<K extends string>(reading: Reading, place: Place, known: KnownKeys<K>): Keys<K> | undefined {
  const entries = entriesAt(reading, place);
  if (entries === undefined) return undefined;
  const keys = new Map<K, KeyedPlace>();
  for (const entry of entries) {
    const isUnread = known.unread !== undefined && Object.hasOwn(known.unread, entry.key);
    if ((known.read as readonly string[]).includes(entry.key)) {
      const isRefused = known.mayBeEmpty && !known.mayBeEmpty.includes(entry.key as K) && isEmpty(entry);
      keys.set(entry.key as K, isRefused ? refuseEmpty(reading, entry) : entry);
    } else if (isUnread || !known.extensions || !entry.key.startsWith('x-')) refuseKey(reading, entry, known);
  }
  return keys;
}

/** @returns the entry as one that nobody has to report again */
function refuseEmpty(reading: Reading, entry: KeyedPlace): KeyedPlace {
  const { key, path, keyAt, node } = entry;
  if (node.kind !== 'scalar' || node.unknown) return entry;
  reading.report({ path, at: keyAt }, `${quoted(key)} has no value.`, 'Write one, or remove the key.');
  return { ...entry, node: { ...node, unknown: true } };
}

function refuseKey(reading: Reading, entry: KeyedPlace, known: KnownKeys<string>): void {
  const { key, path } = entry;
  const at = { path, at: entry.keyAt };
  if (known.unread && Object.hasOwn(known.unread, key)) {
    const advice = known.unread[key] || 'Remove it: an app that needs it cannot run in the lab yet.';
    reading.report(at, `FloatLab does not read ${quoted(key)} of ${known.of} yet.`, advice);
    return;
  }
  reading.report(at, `${quoted(key)} is not a key of ${known.of}.`, () => {
    const meant = nearest(key, [...known.read, ...Object.keys(known.unread ?? {})]);
    return meant === undefined ? `Use one of: ${some(known.read)}.` : `Did you mean ${quoted(meant)}?`;
  });
}

const most = 20;

/** More would be read by nobody. */
const some = (keys: readonly string[]): string =>
  keys.length <= most ? keys.join(', ') : `${keys.slice(0, most).join(', ')} and ${keys.length - most} more`;
