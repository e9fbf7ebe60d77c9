/**
 * Where a text is cut for an edit, and what is put there. Each function gives ways to do it, the one that changes least
 * first: whoever applies them reads the result again, and takes the first that means what was wanted. So none of these
 * has to know every corner of YAML.
 */
import { columnOf, isOnOwnLine, lineEnd, lineStart, nextLine, type HouseStyle } from './house-style.ts';
import { blockText, flowText, isEmptyCollection, keyText } from './render.ts';
import { blockScalar, scalarText } from './scalar-text.ts';
import type { EntrySyntax, ItemSyntax, ListSyntax, MapSyntax, Syntax } from './syntax.ts';
import { isLeaf, type Leaf, type Value } from './value.ts';

/** The characters from `from` up to `to` become `text`. */
export interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** A value, and what holds it. */
export interface Place {
  readonly node: Syntax;
  /** Undefined: it is the whole file. */
  readonly holder: EntrySyntax | ItemSyntax | undefined;
  readonly parent: ListSyntax | MapSyntax | undefined;
  /** Whether it stands inside `{…}` or `[…]`. */
  readonly inFlow: boolean;
}

export interface Around {
  readonly text: string;
  readonly style: HouseStyle;
}

const spaces = (count: number): string => ' '.repeat(count);

/** Of the lines that are to stand below this one: a dash in front of the first key counts as spaces. */
const indentOf = (text: string, at: number): string => spaces(columnOf(text, at));

const isCollection = (node: Syntax): node is ListSyntax | MapSyntax => node.kind === 'map' || node.kind === 'list';

/** The value at a place becomes another one. */
export function replacements(around: Around, place: Place, value: Value): readonly Splice[] {
  const { node, inFlow } = place;
  const isFlow = isCollection(node) && node.flow !== false;
  if (inFlow || (isFlow && !isLeaf(value))) return [...inPlace(around, place, value, 'flow')];
  if (!isLeaf(value)) return [...anew(around, place, value), ...inPlace(around, place, value, 'flow')];
  const isSeveralLines = typeof value.scalar === 'string' && /\n/.test(value.scalar);
  const fitsHere = node.kind === 'alias' || (node.kind === 'scalar' && node.style !== 'empty') || isFlow;
  return [
    ...(isSeveralLines ? severalLines(around, place, value) : []),
    ...(fitsHere ? inPlace(around, place, value, 'block') : []),
    ...anew(around, place, value),
  ];
}

/** Only the text of the value: comments and line breaks around it stay. */
function inPlace({ text, style }: Around, place: Place, value: Value, where: 'block' | 'flow'): readonly Splice[] {
  const { node, holder } = place;
  const { from, content } = behindProps(text, node, value);
  const shape = node.kind === 'scalar' ? node.style : 'plain';
  const written = isLeaf(content) ? scalarText(content, where, shape, style.quote) : flowText(content, style);
  const isBlock = node.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded');
  const ended = node.end > from && text[node.end - 1] === '\n' ? style.eol : '';
  const comment = isBlock
    ? (/^[|>][-+0-9]*([ \t]+#[^\r\n]*)/.exec(text.slice(node.start, lineEnd(text, node.start)))?.[1] ?? '')
    : '';
  const space = from > 0 && /[^\s[{]/.test(text[from - 1] ?? '') ? ' ' : '';
  const colon = holder && 'key' in holder && holder.slot === holder.keyNode.end ? ':' : '';
  return [{ from, to: node.end, text: `${colon}${colon ? ' ' : space}${written}${comment}${ended}` }];
}

/** An anchor stays with its value, and so does a tag that both have. */
function behindProps(text: string, node: Syntax, value: Value): { readonly from: number; readonly content: Value } {
  const { tag, ...bare } = value;
  if (node.value.tag !== tag) return { from: node.propsStart, content: value };
  const props = /^[&!]\S*(?:[ \t]+[&!]\S*)*/.exec(text.slice(node.propsStart, node.start));
  return {
    from: node.kind === 'scalar' && node.style === 'empty' && props ? node.propsStart + props[0].length : node.start,
    content: bare,
  };
}

/** Everything behind the colon or the dash, but for a comment there. */
function anew(around: Around, place: Place, value: Value): readonly Splice[] {
  const { text, style } = around;
  const { holder } = place;
  if (!holder) return [];
  const behind = 'key' in holder ? 'key' : 'dash';
  return written(
    around,
    place,
    (comment) => {
      const { content } = propsOf(text, place, value);
      const indent = indentOf(text, holder.start);
      return withComment(blockText(content, behind, indent, style), comment);
    },
    value,
  );
}

function severalLines(around: Around, place: Place, value: Leaf): readonly Splice[] {
  const { text, style } = around;
  const { node, holder } = place;
  if (!holder || typeof value.scalar !== 'string') return [];
  const { scalar } = value;
  const old = node.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded') ? node.style : undefined;
  const firstLine = nextLine(text, node.start);
  const oldIndent = old && firstLine < node.end ? /^ */.exec(text.slice(firstLine))?.[0] : undefined;
  const indent =
    oldIndent === undefined || oldIndent === '' ? indentOf(text, holder.start) + spaces(style.step) : oldIndent;
  const ways = old === 'folded' ? (['folded', 'literal'] as const) : (['literal'] as const);
  return ways.flatMap((way) =>
    written(
      around,
      place,
      (comment) => {
        const lines = blockScalar(scalar, way, { indent, eol: style.eol, comment });
        return lines === undefined ? undefined : ` ${lines}`;
      },
      value,
    ),
  );
}

/** Where the value begins when it is written anew, and what of it has to be written. */
function propsOf(
  text: string,
  { node, holder }: Place,
  value: Value,
): { readonly from: number; readonly content: Value } {
  const { tag, ...bare } = value;
  const slot = holder?.slot ?? node.start;
  if (node.value.tag !== tag || node.propsStart === node.start) {
    const isEmptyWithProps = node.kind === 'scalar' && node.style === 'empty' && node.propsStart < node.start;
    return node.value.tag === tag && isEmptyWithProps
      ? { from: node.start, content: bare }
      : { from: slot, content: value };
  }
  const props = /^[&!]\S*(?:[ \t]+[&!]\S*)*/.exec(text.slice(node.propsStart, node.start));
  return { from: node.propsStart + (props?.[0].length ?? 0), content: bare };
}

function written(
  { text, style }: Around,
  place: Place,
  render: (comment: string) => string | undefined,
  value: Value,
): readonly Splice[] {
  const { node } = place;
  const { from } = propsOf(text, place, value);
  const ahead = /^[ \t]*#[^\r\n]*/.exec(text.slice(from, Math.max(from, node.start)))?.[0];
  const header =
    node.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded')
      ? /^[|>][-+0-9]*([ \t]+#[^\r\n]*)/.exec(text.slice(node.start, node.end))?.[1]
      : undefined;
  const ended = node.end > from && text[node.end - 1] === '\n';
  const trailing =
    ended || isCollection(node)
      ? undefined
      : /^[ \t]+#[^\r\n]*/.exec(text.slice(node.end, lineEnd(text, node.end)))?.[0];
  const comment = ahead ?? header ?? trailing ?? '';
  const to =
    ahead === undefined && header === undefined && trailing !== undefined
      ? node.end + trailing.length
      : Math.max(from, node.end);
  const lines = render(comment);
  if (lines === undefined) return [];
  const rest = text.slice(to, to + 2);
  if (ended && !lines.endsWith('\n')) return [{ from, to, text: lines + style.eol }];
  const shorter = { from, to, text: lines.replace(/\r?\n$/, '') };
  if (ended || !lines.endsWith('\n')) return [{ from, to, text: lines }];
  return rest === '' ? [shorter, { from, to, text: lines }] : [shorter];
}

/** At the end of its first line, where the comment stood. */
function withComment(text: string, comment: string): string {
  if (comment === '') return text;
  const [, first = '', rest = ''] = /^([^\r\n]*)([\s\S]*)$/.exec(text) ?? [];
  return `${first}${comment}${rest}`;
}

/** Another key of a map, behind the last one. */
export function newEntries(
  around: Around,
  map: MapSyntax,
  inFlow: boolean,
  key: string,
  value: Value,
): readonly Splice[] {
  const { text, style } = around;
  const last = map.entries.at(-1);
  const shapes = new Set(map.entries.map(({ keyNode }) => (keyNode.kind === 'scalar' ? keyNode.style : 'plain')));
  const [quotedKeys = 'plain'] = shapes.size === 1 ? shapes : [];
  if (map.flow === 'implicit') return [];
  if (map.flow || inFlow) {
    const name = scalarText({ scalar: key }, 'flow-key', quotedKeys, style.quote);
    return intoFlow(around, map, map.entries, map.entries.length, `${name}: ${flowText(value, style)}`, style.braces);
  }
  if (!last) return [];
  const name = keyText(key, 'key', style);
  const first = map.entries[0] ?? last;
  const indent = indentOf(text, first.start);
  const line = `${name}:${blockText(value, 'key', indent, style)}`;
  return [...belowOf(around, last, indent, line), aheadOf(around, first, indent, line)];
}

/** Another item of a list, so that it has this index. */
export function newItems(around: Around, list: ListSyntax, index: number, value: Value): readonly Splice[] {
  const { text, style } = around;
  if (list.flow) return intoFlow(around, list, list.items, index, flowText(value, style), style.brackets);
  const [first, before, at] = [list.items[0], list.items[index - 1], list.items[index]];
  if (!first) return [];
  const indent = indentOf(text, first.start);
  const line = `-${blockText(value, 'dash', indent, style)}`;
  return [...(before ? belowOf(around, before, indent, line) : []), ...(at ? [aheadOf(around, at, indent, line)] : [])];
}

/** On lines of its own, below this entry and the comment at its end. */
function belowOf({ text, style }: Around, { end }: ItemSyntax, indent: string, line: string): readonly Splice[] {
  const ends = line.endsWith('\n');
  if (end > 0 && text[end - 1] === '\n')
    return [{ from: end, to: end, text: `${indent}${line}${ends ? '' : style.eol}` }];
  const at = lineEnd(text, end);
  const shorter = line.replace(/\r?\n$/, '');
  const spliced = { from: at, to: at, text: `${style.eol}${indent}${shorter}` };
  return at === text.length && ends ? [spliced, { ...spliced, text: `${style.eol}${indent}${line}` }] : [spliced];
}

function aheadOf({ style }: Around, { start }: ItemSyntax, indent: string, line: string): Splice {
  return { from: start, to: start, text: `${line}${line.endsWith('\n') ? '' : style.eol}${indent}` };
}

function intoFlow(
  { text, style }: Around,
  node: ListSyntax | MapSyntax,
  items: readonly ItemSyntax[],
  index: number,
  written: string,
  pad: string,
): readonly Splice[] {
  const [before, at] = [items[index - 1], items[index]];
  const gap = (of: ItemSyntax): string =>
    isOnOwnLine(text, of.start) ? `${style.eol}${indentOf(text, of.start)}` : ' ';
  if (before) return [{ from: before.end, to: before.end, text: `,${gap(before)}${written}` }];
  if (at) return [{ from: at.start, to: at.start, text: `${written},${gap(at)}` }];
  const inside = text.slice(node.start + 1, node.end - 1);
  if (inside.trim() === '') return [{ from: node.start + 1, to: node.end - 1, text: `${pad}${written}${pad}` }];
  return [{ from: node.start + 1, to: node.start + 1, text: ` ${written}` }];
}

/** An entry or an item goes, which is not the only one. */
export function removals({ text }: Around, node: ListSyntax | MapSyntax, index: number): readonly Splice[] {
  const items: readonly ItemSyntax[] = node.kind === 'map' ? node.entries : node.items;
  const [before, at, next] = [items[index - 1], items[index], items[index + 1]];
  if (!at) return [];
  if (node.flow !== false) {
    const ways = [];
    if (next) ways.push({ from: at.start, to: next.start, text: '' });
    if (before) ways.push({ from: before.end, to: at.end, text: '' });
    return ways;
  }
  const rest = { from: at.start, to: at.end, text: '' };
  if (!isOnOwnLine(text, at.start)) {
    if (!next) return [rest];
    const gap = text.slice(at.end, next.start);
    return gap.includes('#') ? [rest] : [{ ...rest, to: next.start }];
  }
  const from = lineStart(text, at.start);
  const to = at.end > at.start && text[at.end - 1] === '\n' ? at.end : nextLine(text, at.end);
  const blank = /^(?:[ \t]*\r?\n)*/.exec(text.slice(to))?.[0].length ?? 0;
  const whole = { from, to, text: '' };
  const withoutBreak = { ...whole, from: from > 0 ? lineEnd(text, Math.max(0, from - 2)) : from };
  const isAtEnd = to === text.length && !text.endsWith('\n');
  return [...(isAtEnd ? [withoutBreak] : []), whole, { ...whole, to: to + blank }];
}

/** Another name for a key. */
export function renamings({ style }: Around, entry: EntrySyntax, inFlow: boolean, key: string): readonly Splice[] {
  const { keyNode } = entry;
  const where = inFlow ? 'flow-key' : 'key';
  const shape = keyNode.kind === 'scalar' ? keyNode.style : 'plain';
  const isBlock = shape === 'literal' || shape === 'folded';
  const [from, to] = [keyNode.start, keyNode.end];
  return isBlock ? [] : [{ from, to, text: scalarText({ scalar: key }, where, shape, style.quote) }];
}

/** A key over what an alias brings in: the alias becomes a map that merges it. */
export function overAlias(around: Around, place: Place, name: string, key: string, value: Value): readonly Splice[] {
  const { text, style } = around;
  const { node, holder, inFlow } = place;
  if (!holder) return [];
  if (inFlow) {
    const own = `${keyText(key, 'flow-key', style)}: ${flowText(value, style)}`;
    return [{ from: node.start, to: node.end, text: `{${style.braces}<<: *${name}, ${own}${style.braces}}` }];
  }
  const isEntry = 'key' in holder;
  const outer = indentOf(text, holder.start);
  const indent = outer + spaces(isEntry ? style.step : 2);
  const own = `${keyText(key, 'key', style)}:${blockText(value, 'key', indent, style)}`;
  return written(
    around,
    place,
    (comment) => {
      const head = isEntry ? `${comment}${style.eol}${indent}<<: *${name}` : ` <<: *${name}${comment}`;
      return `${head}${style.eol}${indent}${own}`;
    },
    value,
  );
}

/** The whole collection written anew in its own style, where nothing in it could be lost by that. */
export function rewritings(around: Around, place: Place, value: Value): readonly Splice[] {
  const { text } = around;
  const { node } = place;
  if (!isCollection(node) || /[#&*!]/.test(text.slice(node.propsStart, node.end))) return [];
  return isEmptyCollection(value) ? [] : replacements(around, place, value);
}
