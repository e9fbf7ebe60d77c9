/**
 * Changes a compose file where it stands: only what an edit names is spliced, and comments, order, anchors, quotes,
 * indentation and line ends stay as somebody wrote them.
 *
 * ```text
 * text ─ syntax (places, value) ─ edit ─┬─ wanted value
 *                                       └─ splices, least first ─ text ─ read again ─ means what is wanted? ─ done
 * ```
 *
 * **The law**: what comes out means exactly the old file with the one change, or nothing comes out. What an alias or a
 * merge key shares with other places is never changed there: a key is written over what is merged in, and where that
 * cannot be the edit is refused.
 */
import { houseStyle } from './house-style.ts';
import { isEmptyCollection } from './render.ts';
import {
  newEntries,
  newItems,
  overAlias,
  removals,
  renamings,
  replacements,
  rewritings,
  type Around,
  type Place,
  type Splice,
} from './splices.ts';
import { parseSyntax, type Document, type EntrySyntax, type Syntax, type Unreadable } from './syntax.ts';
import {
  childOf,
  empty,
  isLeaf,
  isList,
  isMap,
  replaced,
  same,
  valueAt,
  valueOf,
  type Path,
  type Plain,
  type Value,
} from './value.ts';

export type Edit =
  /** What is there becomes this; a key that is not there is added, with the maps above it. */
  | { readonly do: 'set'; readonly path: Path; readonly value: Plain }
  /** Another item of a list, so that it has the index at the end of the path. */
  | { readonly do: 'insert'; readonly path: Path; readonly value: Plain }
  | { readonly do: 'remove'; readonly path: Path }
  | { readonly do: 'rename'; readonly path: Path; readonly key: string };

export interface EditRefused extends Unreadable {
  /** `UNREADABLE`: the file as it is; `NOT_THERE`: the path; `SHARED`: others would change; `UNWRITABLE`: no way was found. */
  readonly code: 'UNREADABLE' | 'NOT_THERE' | 'SHARED' | 'UNWRITABLE';
}
export type EditResult = { readonly text: string } | { readonly refused: EditRefused };

/** One after the other: all of them, or none. */
export function editText(text: string, edits: readonly Edit[]): EditResult {
  const parsed = parseSyntax(text);
  if ('message' in parsed) return { refused: { code: 'UNREADABLE', ...parsed } };
  let document = parsed;
  for (const edit of edits) {
    const next = applied(document, edit);
    if ('code' in next) return { refused: next };
    document = next;
  }
  return { text: document.text };
}

function applied(document: Document, edit: Edit): Document | EditRefused {
  const { root } = document;
  const wanted = wantedOf(root.value, edit);
  if (typeof wanted === 'string') return refuse(document, edit, 'NOT_THERE', wanted);
  if (same(root.value, wanted)) return document;
  const ways = waysOf(document, edit, wanted);
  if (typeof ways === 'string') return refuse(document, edit, 'SHARED', ways);
  for (const splice of ways) {
    const next = parseSyntax(spliced(document.text, splice));
    if (!('message' in next) && same(next.root.value, wanted)) return next;
  }
  return refuse(document, edit, ...whyNot(document, edit));
}

const spliced = (text: string, { from, to, text: put }: Splice): string => text.slice(0, from) + put + text.slice(to);

const pathText = (path: Path): string => `\`${path.join('.')}\``;

/** @returns what the file is to mean, or why there is nothing to change */
function wantedOf(value: Value, edit: Edit): Value | string {
  const { path } = edit;
  const last = path.at(-1);
  if (last === undefined) return 'The whole file is no place for an edit.';
  const above = path.slice(0, -1);
  if (path.some((step) => String(step).startsWith('\0') || step === '__proto__')) return 'No key has this name.';
  const parent = valueAt(value, above);
  const wrong = edit.do === 'set' ? standsInTheWay(value, path) : undefined;
  if (wrong !== undefined) return wrong;
  switch (edit.do) {
    case 'set':
      return replaced(value, path, (old) => withTag(valueOf(edit.value), old));
    case 'insert': {
      const isNothing = parent !== undefined && isLeaf(parent) && parent.scalar === null;
      const items = isNothing ? [] : parent && isList(parent) ? parent.items : undefined;
      if (!items || typeof last !== 'number' || !Number.isInteger(last)) return `${pathText(above)} is no list.`;
      if (last < 0 || last > items.length) return `${pathText(above)} has ${items.length} items.`;
      const more = items.toSpliced(last, 0, valueOf(edit.value));
      return replaced(value, above, (old) => ({ ...(old && isList(old) ? old : {}), items: more }));
    }
    case 'remove': {
      if (!parent || childOf(parent, last) === undefined) return `There is no ${pathText(path)}.`;
      return replaced(value, above, () => without(parent, last));
    }
    case 'rename': {
      if (!parent || !isMap(parent) || !parent.entries.has(String(last))) return `There is no key ${pathText(path)}.`;
      if (edit.key === '__proto__' || edit.key === '<<' || edit.key.includes('\0'))
        return 'A key cannot have this name.';
      if (edit.key !== last && parent.entries.has(edit.key))
        return `${pathText([...above, edit.key])} is there already.`;
      const entries = [...parent.entries].map(([key, one]) => [key === last ? edit.key : key, one] as const);
      return replaced(value, above, () => ({ ...parent, entries: new Map(entries) }));
    }
  }
}

/** A tag of the file's own (`!reset`) belongs to the place, `!!str` to the value that stood there. */
const withTag = (value: Value, old: Value | undefined): Value =>
  old?.tag === undefined || old.tag.startsWith('!!') ? value : { ...value, tag: old.tag };

/** @returns why a path cannot be made: a text has no keys, and a list no keys and no holes */
function standsInTheWay(value: Value, path: Path): string | undefined {
  let at: Value | undefined = value;
  for (const [n, step] of path.entries()) {
    if (at === undefined || (isLeaf(at) && at.scalar === null)) {
      if (typeof step === 'number') return `There is no list at ${pathText(path.slice(0, n))}.`;
      at = undefined;
      continue;
    }
    if (isLeaf(at)) return `${pathText(path.slice(0, n))} is no map, so it has no ${pathText([step])}.`;
    if (isList(at) && (typeof step !== 'number' || !at.items[step]))
      return `${pathText(path.slice(0, n))} has no item ${step}: it has ${at.items.length}.`;
    at = childOf(at, step);
  }
  return undefined;
}

function without(parent: Value, step: string | number): Value {
  if (isList(parent)) return { ...parent, items: parent.items.filter((_, n) => n !== step) };
  if (!isMap(parent)) return parent;
  const entries = new Map(parent.entries);
  entries.delete(String(step));
  return { ...parent, entries };
}

interface Reached {
  /** From the file as a whole down to what was reached. */
  readonly places: readonly Place[];
  /** What of the path is not written there. */
  readonly rest: Path;
}

/** As far as the path is written in the file itself, and not brought in by an alias or a merge key. */
function reach({ root }: Document, path: Path): Reached {
  const places: Place[] = [{ node: root, holder: undefined, parent: undefined, inFlow: false }];
  for (const [n, step] of path.entries()) {
    const place = places.at(-1) as Place;
    const holder = holderOf(place.node, step);
    if (!holder || (place.node.kind !== 'map' && place.node.kind !== 'list')) return { places, rest: path.slice(n) };
    const inFlow = place.inFlow || place.node.flow !== false;
    places.push({ node: holder.node, holder, parent: place.node, inFlow });
  }
  return { places, rest: [] };
}

function holderOf(node: Syntax, step: string | number) {
  if (node.kind === 'list') return typeof step === 'number' ? node.items[step] : undefined;
  if (node.kind !== 'map') return undefined;
  return node.entries.find(({ key, merge }) => !merge && key === String(step));
}

/** @returns splices that may do it, or why none can */
function waysOf(document: Document, edit: Edit, wanted: Value): readonly Splice[] | string {
  const { path } = edit;
  const around: Around = { text: document.text, style: houseStyle(document) };
  const { places, rest } = reach(document, edit.do === 'insert' ? path.slice(0, -1) : path);
  const at = places.at(-1) as Place;
  const depth = places.length - 1;
  const valueHere = valueAt(wanted, path.slice(0, depth)) ?? empty;
  const rewrite = (): readonly Splice[] =>
    places
      .slice(1)
      .toReversed()
      .flatMap((place, n) => {
        const value = valueAt(wanted, path.slice(0, depth - n));
        return value ? rewritings(around, place, value) : [];
      });

  if (rest.length > 0) {
    if (edit.do === 'remove' || edit.do === 'rename')
      return `${pathText(path)} is brought in by an alias or by \`<<\`: it can be changed where it is written, for all who use it.`;
    return [...beyond(around, at, rest, valueHere), ...rewrite()];
  }
  switch (edit.do) {
    case 'set':
      return [...replacements(around, at, valueHere), ...rewrite()];
    case 'insert': {
      const { node } = at;
      if (node.kind === 'list' && node.items.length + (node.flow ? 1 : 0) > 0)
        return [...newItems(around, node, Number(path.at(-1)), insertedOf(valueHere, path)), ...rewrite()];
      if (node.kind === 'alias') return `${pathText(path.slice(0, -1))} is an alias: the list is written elsewhere.`;
      return [...replacements(around, at, valueHere), ...rewrite()];
    }
    case 'remove': {
      const above = places.at(-2) as Place;
      const { node } = above;
      if (node.kind !== 'map' && node.kind !== 'list') return [];
      const items = node.kind === 'map' ? node.entries : node.items;
      const left = valueAt(wanted, path.slice(0, -1)) ?? empty;
      if (items.length === 1) return replacements(around, above, left);
      return [
        ...removals(around, node, items.indexOf(at.holder as EntrySyntax)),
        ...(isEmptyCollection(left) ? [] : rewrite()),
      ];
    }
    case 'rename':
      return [...renamings(around, at.holder as EntrySyntax, at.inFlow, edit.key), ...rewrite()];
  }
}

const insertedOf = (list: Value, path: Path): Value => childOf(list, Number(path.at(-1))) ?? empty;

/** The rest of the path is not written below this place: a key is, with all that belongs below it. */
function beyond(around: Around, at: Place, rest: Path, value: Value): readonly Splice[] {
  const { node } = at;
  const [step] = rest;
  const own = step === undefined ? undefined : childOf(value, step);
  if (!own || typeof step !== 'string') return node.kind === 'scalar' ? replacements(around, at, value) : [];
  if (node.kind === 'map' && node.entries.length + (node.flow ? 1 : 0) > 0)
    return newEntries(around, node, at.inFlow, step, own);
  if (node.kind === 'alias' && isMap(node.value)) return overAlias(around, at, node.name, step, own);
  return node.kind === 'scalar' ? replacements(around, at, value) : [];
}

/** Nothing was found that means what is wanted: mostly because others share what would change. */
function whyNot(document: Document, edit: Edit): [EditRefused['code'], string] {
  const { places } = reach(document, edit.path);
  for (const [n, { node }] of places.entries()) {
    const [use] = document.uses.get(node.start) ?? [];
    if (use === undefined || node.anchor === undefined) continue;
    const line = document.text.slice(0, use).split('\n').length;
    return [
      'SHARED',
      `${pathText(edit.path)} is ${n < edit.path.length ? 'part of ' : ''}\`&${node.anchor}\`, which line ${line} uses, too: both would change.`,
    ];
  }
  const last = places.at(-1);
  // Without its own value a map has the one that it merges.
  if ((edit.do === 'remove' || edit.do === 'rename') && last?.parent?.kind === 'map') {
    const merged = last.parent.entries.some(({ merge }) => merge);
    if (merged)
      return ['SHARED', `${pathText(edit.path)} stands over what \`<<\` brings in, which would show instead.`];
  }
  const inside = last && last.node.end > last.node.propsStart ? sharedInside(document, last.node) : undefined;
  if (inside !== undefined) return ['SHARED', `${pathText(edit.path)} holds \`&${inside}\`, which is used elsewhere.`];
  return ['UNWRITABLE', `${pathText(edit.path)} cannot be changed without changing something else.`];
}

function sharedInside(document: Document, node: Syntax): string | undefined {
  const uses = node.anchor === undefined ? [] : (document.uses.get(node.start) ?? []);
  if (uses.some((at) => at < node.propsStart || at >= node.end)) return node.anchor;
  const inner = node.kind === 'map' ? node.entries : node.kind === 'list' ? node.items : [];
  for (const { node: one } of inner) {
    const found = sharedInside(document, one);
    if (found !== undefined) return found;
  }
  return undefined;
}

const hints: Readonly<Record<EditRefused['code'], string>> = {
  UNREADABLE: 'Mend the file first.',
  NOT_THERE: 'Look at the file as it is now.',
  SHARED: 'Change it in the file itself, where the anchor stands.',
  UNWRITABLE: 'Change it in the file itself.',
};

function refuse(document: Document, edit: Edit, code: EditRefused['code'], message: string): EditRefused {
  const at = reach(document, edit.path).places.at(-1)?.node.start ?? 0;
  return { code, at, message, hint: hints[code] };
}
