/**
 * A YAML text as it is written: every map, list and scalar with its place, its style and its anchor, and beside that
 * what it means (`value`). The places are what edits splice.
 *
 * ```text
 *   key: &anchor value # comment
 *   │    │       │   └ end            of the scalar; a block scalar ends behind its last line
 *   │    │       └ start
 *   │    └ propsStart                 of its anchor and tag, if it has any
 *   └ entry.start
 * ```
 *
 * Unlike the reader of compose files this one goes on where keys occur twice, or are no text: they are kept under keys
 * that nobody can write, so that a loss of one is seen, and nobody can edit them.
 */
import {
  isAlias as isAliasNode,
  isMap as isMapNode,
  isSeq as isSeqNode,
  parseDocument,
  type CST,
  type Pair,
  type ParsedNode,
} from 'yaml';
import { maxDepth, reportErrors } from '../yaml-errors.ts';
import { empty, isList, isMap, type Leaf, type Value } from './value.ts';

interface Written {
  readonly start: number;
  readonly end: number;
  readonly propsStart: number;
  /** Behind its anchor and its tag, or where its value would begin. */
  readonly anchor?: string;
  readonly value: Value;
}
export interface ScalarSyntax extends Written {
  readonly kind: 'scalar';
  readonly style: 'plain' | 'single' | 'double' | 'literal' | 'folded' | 'empty';
}
export interface AliasSyntax extends Written {
  readonly kind: 'alias';
  readonly name: string;
}
export interface ListSyntax extends Written {
  readonly kind: 'list';
  readonly flow: boolean;
  readonly items: readonly ItemSyntax[];
}
export interface MapSyntax extends Written {
  readonly kind: 'map';
  /** Implicit: `[a: 1]`, a map without braces. */
  readonly flow: boolean | 'implicit';
  readonly entries: readonly EntrySyntax[];
}
export type Syntax = ScalarSyntax | AliasSyntax | ListSyntax | MapSyntax;

export interface ItemSyntax {
  /** Of its dash, or of the item itself inside `[…]`. */
  readonly start: number;
  readonly end: number;
  /** Where a value can be put when there is none: behind the dash. */
  readonly slot: number;
  readonly node: Syntax;
}
export interface EntrySyntax extends ItemSyntax {
  /** As values have it; of a key that nobody can name it begins with NUL. */
  readonly key: string;
  readonly keyNode: Syntax;
  /** `? key`, or one without a colon: nothing can be put behind it. */
  readonly explicit: boolean;
  readonly merge: boolean;
}

export interface Document {
  readonly text: string;
  readonly root: Syntax;
  /** Offsets of the aliases that name an anchor, by where the anchored value starts. */
  readonly uses: ReadonlyMap<number, readonly number[]>;
}
export interface Unreadable {
  readonly at: number;
  readonly message: string;
  readonly hint?: string;
}

/** @returns what is wrong with the text when it is no YAML, is empty, or holds several documents */
export function parseSyntax(text: string): Document | Unreadable {
  const document = parseDocument(text, {
    version: '1.2',
    merge: false,
    uniqueKeys: false,
    prettyErrors: false,
    resolveKnownTags: false,
    logLevel: 'error',
    keepSourceTokens: true,
  });
  const problems: Unreadable[] = [];
  const report = (at: number, message: string, hint?: string): void => {
    problems.push({ at, message, ...(hint === undefined ? {} : { hint }) });
  };
  reportErrors(document.errors, text, report);
  const [first] = problems;
  if (first) return first;
  if (document.contents === null) return { at: 0, message: 'The file is empty.', hint: 'Begin with `services:`.' };
  return new Walk(text).document(document.contents as ParsedNode);
}

type Tokens = readonly CST.SourceToken[];

class Walk {
  readonly #text: string;
  readonly #anchors = new Map<string, Syntax>();
  readonly #uses = new Map<number, number[]>();
  #problem: Unreadable | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  document(contents: ParsedNode): Document | Unreadable {
    const root = this.#node(contents, [], 0, contents.range[0]);
    return this.#problem ?? { text: this.#text, root, uses: this.#uses };
  }

  #fail(at: number, message: string, hint?: string): void {
    this.#problem ??= { at, message, ...(hint === undefined ? {} : { hint }) };
  }

  /** @param before the tokens in front of it, with its anchor and tag @param slot where it would begin without any text */
  #node(node: ParsedNode | null, before: Tokens, depth: number, slot: number): Syntax {
    const props = before.filter(({ type }) => type === 'anchor' || type === 'tag');
    const [first, last] = [props[0], props.at(-1)];
    const behind = last ? last.offset + last.source.length : slot;
    if (node === null) return { kind: 'scalar', style: 'empty', ...this.#at(behind, behind, first), value: empty };
    if (depth > maxDepth) {
      this.#fail(0, `The file nests deeper than ${maxDepth} levels.`);
      return { kind: 'scalar', style: 'empty', ...this.#at(behind, behind, first), value: empty };
    }
    const tag = props.find(({ type }) => type === 'tag')?.source;
    const tagged = tag === undefined ? {} : { tag };
    const anchored = isAliasNode(node) || node.anchor === undefined ? {} : { anchor: node.anchor };
    const result = this.#content(node, depth, behind, first, tagged, anchored);
    if (anchored.anchor !== undefined) this.#anchors.set(anchored.anchor, result);
    return result;
  }

  #at(start: number, end: number, prop: CST.SourceToken | undefined): Pick<Written, 'start' | 'end' | 'propsStart'> {
    return { start, end, propsStart: prop?.offset ?? start };
  }

  #content(
    node: ParsedNode,
    depth: number,
    behind: number,
    prop: CST.SourceToken | undefined,
    tagged: { readonly tag?: string },
    anchored: { readonly anchor?: string },
  ): Syntax {
    const [start, end] = node.range;
    if (isAliasNode(node)) return this.#alias(node.source, this.#at(start, end, prop));
    if (isMapNode(node)) {
      const implicit = node.flow === true && !isBracket(this.#text[start]);
      const entries = (node.items as Pair<ParsedNode, ParsedNode | null>[]).map((pair) => this.#entry(pair, depth));
      return {
        kind: 'map',
        flow: implicit ? 'implicit' : node.flow === true,
        ...this.#at(start, node.flow && !implicit ? end : (entries.at(-1)?.end ?? end), prop),
        ...anchored,
        entries,
        value: { ...tagged, ...this.#merged(entries) },
      };
    }
    if (isSeqNode(node)) {
      const items = this.#items(node.items as ParsedNode[], node.srcToken as CST.BlockSequence, depth);
      return {
        kind: 'list',
        flow: node.flow === true,
        ...this.#at(start, node.flow ? end : (items.at(-1)?.end ?? end), prop),
        ...anchored,
        items,
        value: { ...tagged, items: items.map((item) => item.node.value) },
      };
    }
    const style = styles[String(node.type)] ?? 'plain';
    const value: Leaf = { ...leafOf(node.value, node.source, style), ...tagged };
    return start === end && style === 'plain'
      ? { kind: 'scalar', style: 'empty', ...this.#at(behind, behind, prop), ...anchored, value }
      : { kind: 'scalar', style, ...this.#at(start, end, prop), ...anchored, value };
  }

  #alias(name: string, place: Pick<Written, 'start' | 'end' | 'propsStart'>): Syntax {
    const target = this.#anchors.get(name);
    if (!target) this.#fail(place.start, `Alias \`*${name}\` names no anchor above it.`);
    else this.#uses.set(target.start, [...(this.#uses.get(target.start) ?? []), place.start]);
    return { kind: 'alias', name, ...place, value: target?.value ?? empty };
  }

  #items(nodes: readonly ParsedNode[], token: CST.BlockSequence | CST.FlowCollection, depth: number): ItemSyntax[] {
    const flow = token.type === 'flow-collection';
    // A comment behind the last item is an item of tokens, and of nothing else.
    const written = (token.items as readonly CST.CollectionItem[]).filter(
      ({ start, key, sep, value }) =>
        start.some(({ type }) => type === 'seq-item-ind') || (flow && Boolean(key ?? sep ?? value)),
    );
    return nodes.map((node, n) => {
      const item = written[n];
      const tokens = item?.start ?? [];
      const dash = tokens.find(({ type }) => type === 'seq-item-ind');
      const slot = dash ? dash.offset + 1 : node.range[0];
      // Inside `[…]` the tokens in front of a pair without braces belong to its key.
      const props = flow && item?.sep ? [] : tokens;
      const syntax = this.#node(node, props, depth + 1, slot);
      return {
        start: dash?.offset ?? startOf(tokens) ?? syntax.propsStart,
        end: Math.max(slot, syntax.end),
        slot,
        node: syntax,
      };
    });
  }

  #entry(pair: Pair<ParsedNode, ParsedNode | null>, depth: number): EntrySyntax {
    const { start = [], sep = [] } = (pair as { srcToken?: CST.CollectionItem }).srcToken ?? {};
    const colon = sep.find(({ type }) => type === 'map-value-ind');
    const keyAt = pair.key?.range?.[0] ?? colon?.offset ?? 0;
    const keyNode = this.#node(pair.key, start, depth + 1, keyAt);
    const slot = colon ? colon.offset + 1 : keyNode.end;
    const node = this.#node(pair.value, sep, depth + 1, slot);
    const asked = start.find(({ type }) => type === 'explicit-key-ind');
    const plain = keyNode.kind === 'scalar' && keyNode.style === 'plain';
    const key = this.#keyOf(keyNode);
    return {
      key,
      keyNode,
      start: startOf(start) ?? keyNode.propsStart,
      end: Math.max(slot, node.end, keyNode.end),
      slot,
      node,
      explicit: asked !== undefined || colon === undefined || keyNode.start === keyNode.end,
      merge: plain && key === '<<',
    };
  }

  #keyOf(node: Syntax): string {
    const { value } = node;
    if (isMap(value) || isList(value) || value.scalar === null || value.text === '__proto__')
      return `\0${this.#text.slice(node.start, node.end)}`;
    return value.text ?? '';
  }

  /** What the map itself says wins, then the first of the merged maps that says anything. */
  #merged(written: readonly EntrySyntax[]): { readonly entries: ReadonlyMap<string, Value> } {
    const entries = new Map<string, Value>();
    const unnamed = (key: string): string => (entries.has(key) ? unnamed(`\0${key}`) : key);
    for (const { key, merge, node } of written) if (!merge) entries.set(unnamed(key), node.value);
    for (const { merge, node } of written) {
      if (!merge) continue;
      for (const source of isList(node.value) ? node.value.items : [node.value]) {
        if (!isMap(source)) this.#fail(node.start, '`<<` takes a map or a list of maps.');
        else for (const [key, value] of source.entries) if (!entries.has(key)) entries.set(key, value);
      }
    }
    return { entries };
  }
}

const startOf = (tokens: Tokens): number | undefined =>
  tokens.find(({ type }) => type === 'explicit-key-ind' || type === 'anchor' || type === 'tag')?.offset;

const isBracket = (char: string | undefined): boolean => char === '{' || char === '[';

const styles: Readonly<Record<string, ScalarSyntax['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

function leafOf(value: unknown, source: string | undefined, style: ScalarSyntax['style']): Leaf {
  if (typeof value === 'string') return { scalar: value, text: value };
  if (value === null || value === undefined) return empty;
  const text = source ?? '';
  return style === 'plain' && (typeof value === 'number' || typeof value === 'boolean')
    ? { scalar: value, text }
    : { scalar: text, text };
}
