/**
 * One compose file over another, by the rules of the specification: maps are merged key by key, lists appended, anything
 * else replaced; `!reset` takes a key away, `!override` replaces where the rules would merge. What the specification has
 * otherwise is a rule for that key (`rules.ts`).
 *
 * Values are shared, never changed. What comes of two has the place of the first, so that a service is where it began;
 * what stands in it keeps its own. Tags stay until all files are merged: what a service resets of what it extends, it
 * resets of an earlier file, too. `plain` then takes them out.
 */
import { quoted } from '../locate.ts';
import type { Reading } from '../reading.ts';
import { sizeOf, type Entry, type MapNode, type Node } from '../tree.ts';
import { pathTo, typeName } from '../values.ts';

/** Two values of one path; neither is tagged. */
export interface Pair {
  readonly path: string;
  readonly base: Node;
  readonly over: Node;
}
export type Merge = (reading: Reading, pair: Pair, rule: Rule) => Node;

export interface Rule {
  /** In place of the general way. */
  readonly merge?: Merge;
  readonly keys?: Readonly<Record<string, Rule>>;
  /** For keys that are not in `keys`. */
  readonly each?: Rule;
}

const mergeNodes: Merge = (reading, pair, rule) => (rule.merge ?? inGeneral)(reading, pair, rule);

/** The way of most values. */
export const inGeneral: Merge = (reading, pair, rule) => {
  const { base, over, path } = pair;
  if (isNothing(base)) return over;
  if (base.kind === 'scalar' && over.kind === 'scalar') return over;
  // A key without a value says nothing against a map or a list.
  if (isNothing(over)) return base;
  if (base.kind === 'map' && over.kind === 'map') return mergeMaps(reading, path, base, over, rule);
  if (base.kind === 'list' && over.kind === 'list') return listOf(base, [...base.items, ...over.items]);
  const before = reading.sourceAt(base.at).fileName;
  reading.report(
    { path, at: over.at },
    `${quoted(path)} is ${typeName(over)} here, but ${typeName(base)} in ${quoted(before)}: they cannot be merged.`,
    'Write both in the same form, or `!override` in front of this one.',
  );
  return base;
};

export const isNothing = (node: Node): boolean => node.kind === 'scalar' && node.value === null;

export const listOf = (place: Node, items: readonly Node[]): Node => ({
  kind: 'list',
  at: place.at,
  end: place.end,
  size: sizeOf(items),
  items,
});

export const mapOf = (place: Node, entries: ReadonlyMap<string, Entry>): MapNode => ({
  kind: 'map',
  at: place.at,
  end: place.end,
  size: sizeOf([...entries.values()].map(({ value }) => value)),
  entries,
});

export function mergeMaps(reading: Reading, path: string, base: MapNode, over: MapNode, rule: Rule): MapNode {
  const { tags } = reading.parsing;
  const entries = new Map(base.entries);
  for (const [key, { keyAt, value }] of over.entries) {
    const before = entries.get(key);
    if (!before || tags.get(before.value) === 'reset' || tags.has(value) || isExtension(key)) {
      entries.set(key, { keyAt, value });
      continue;
    }
    const pair = { path: pathTo(path, key), base: before.value, over: value };
    const merged = mergeNodes(reading, pair, ruleOf(rule, key));
    entries.set(key, { keyAt: merged === value ? keyAt : before.keyAt, value: merged });
  }
  return mapOf(base, entries);
}

const ruleOf = ({ keys, each }: Rule, key: string): Rule => (keys && Object.hasOwn(keys, key) ? keys[key] : each) ?? {};

/** What others keep in `x-…` nobody knows how to merge. */
const isExtension = (key: string): boolean => key.startsWith('x-') && key !== 'x-floatlab';

/** Without what is reset. */
export function plain(reading: Reading, node: Node): Node {
  const { tags } = reading.parsing;
  if (tags.size === 0 || node.kind === 'scalar') return node;
  if (node.kind === 'list') {
    const items = node.items.map((item) => plain(reading, item));
    return items.every((item, n) => item === node.items[n]) ? node : listOf(node, items);
  }
  const entries = new Map<string, Entry>();
  let isSame = true;
  for (const [key, entry] of node.entries) {
    const value = plain(reading, entry.value);
    if (tags.get(entry.value) === 'reset') isSame = false;
    else entries.set(key, value === entry.value ? entry : { ...entry, value });
    isSame &&= value === entry.value;
  }
  return isSame ? node : mapOf(node, entries);
}
