/**
 * YAML text as a tree of located values: maps, lists and scalars that know where they stand, with aliases and merge
 * keys (`<<`) already resolved. What an alias brings in keeps the place where it was written, so a finding points at
 * the text to change.
 *
 * An aliased value is shared, never copied; how large the tree would be if it were written out is counted, and a file
 * that grows too large that way is refused before anybody walks it. Keys that differ from what was written
 * (duplicates, `__proto__`, lists as keys) are findings. After any syntax error there is no tree.
 *
 * An app may be made of several files. Offsets then count through all of them: those of a file begin at its base, so a
 * node of any file tells by its place alone where it comes from, and trees of several files can be mixed.
 */
import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  parseDocument,
  Parser,
  YAMLParseError,
  type CST,
  type Document,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { quoted } from './locate.ts';
import { maxDepth, reportErrors, tooDeep, type ReportAt } from './yaml-errors.ts';

interface Located {
  /** Offsets, base included: first character, and behind the last. */
  readonly at: number;
  readonly end: number;
  /** Values in it when aliases are written out, itself included. */
  readonly size: number;
}
export interface ScalarNode extends Located {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** Numbers and booleans as they were written (`1.10`, `0777`), strings without their quotes. */
  readonly text: string;
  /** Such as an alias that names nothing: it was reported, and nobody can know what it would have been. */
  readonly unknown?: true;
}
interface ListNode extends Located {
  readonly kind: 'list';
  readonly items: readonly Node[];
}
export interface MapNode extends Located {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}
export interface Entry {
  readonly keyAt: number;
  readonly value: Node;
}
export type Node = ScalarNode | ListNode | MapNode;

/** About 10,000 lines; keeps the time for any text under a second, also when every part is an error. */
const maxLexemes = 60_000;
export const maxValues = 50_000;

/** What a value is for when files are merged: `!reset` removes, `!override` replaces. */
export type Tag = 'reset' | 'override';

/** What the files of one app share while they are parsed. */
export interface Parsing {
  /** How much of it has been found so far. */
  lexemes: number;
  values: number;
  /** Values that have a tag. */
  readonly tags: Map<Node, Tag>;
}

export const startParsing = (): Parsing => ({ lexemes: 0, values: 0, tags: new Map() });

const parserOptions = {
  version: '1.2',
  merge: false,
  uniqueKeys: false,
  prettyErrors: false,
  resolveKnownTags: false,
  // `silent` would also hide that there are several documents.
  logLevel: 'error',
} as const;

/** @returns undefined when something was reported and there is no tree to go on with */
export function parseTree(text: string, report: ReportAt, parsing = startParsing(), base = 0): Node | undefined {
  const reportHere: ReportAt = (at, message, hint) => report(base + at, message, hint);
  const document = parseWithin(text, parsing);
  if (!document) {
    reportHere(0, 'The file has too many parts to read.', 'Split it into several apps.');
    return undefined;
  }
  const warnings = document.warnings.filter(({ pos: [from, to] }) => !isTag(text.slice(from, to)));
  if (reportErrors([...document.errors, ...warnings], text, reportHere)) return undefined;
  if (document.contents === null || document.contents.range === undefined) {
    reportHere(0, 'The file is empty.', 'Begin with `services:`.');
    return undefined;
  }
  return convert(document.contents as ParsedNode, report, parsing, base);
}

const isTag = (text: string | undefined): boolean => text === '!reset' || text === '!override';

/** What `parseDocument` does, counting on the way. @returns undefined when there are too many lexemes */
function parseWithin(text: string, parsing: Parsing): Document.Parsed | undefined {
  let hasTooMany = false;
  function* tokens(): Generator<CST.Token, void> {
    const parser = new Parser();
    for (const lexeme of new Lexer().lex(text)) {
      hasTooMany = ++parsing.lexemes > maxLexemes;
      if (hasTooMany) return;
      yield* parser.next(lexeme);
    }
    yield* parser.end();
  }
  const [first, second] = new Composer(parserOptions).compose(tokens(), true, text.length);
  if (hasTooMany || !first) return undefined;
  if (second) first.errors.push(new YAMLParseError([second.range[0], second.range[1]], 'MULTIPLE_DOCS', ''));
  return first;
}

/** The walk in the order of the text, which is also the order in which anchors come to hold. */
function convert(contents: ParsedNode, report: ReportAt, parsing: Parsing, base: number): Node | undefined {
  const anchors = new Map<string, Node | 'open'>();
  const { tags } = parsing;
  let stopped = false;

  const from = (node: ParsedNode): number => base + node.range[0];
  const nothing = (node: ParsedNode): ScalarNode => emptyAt(from(node));
  const scalar = (node: ParsedNode, value: ScalarNode['value'], text: string): ScalarNode => ({
    ...emptyAt(from(node)),
    end: base + node.range[1],
    value,
    text,
  });

  /** @returns false when there has become too much */
  function spend(count: number, at: number): boolean {
    parsing.values += count;
    if (parsing.values > maxValues && !stopped) {
      stopped = true;
      report(at, `With its aliases written out the file has more than ${maxValues} values.`, 'Use fewer aliases.');
    }
    return !stopped;
  }

  function refuseTag(node: Node): void {
    if (!tags.delete(node)) return;
    report(
      node.at,
      '`!reset` and `!override` belong to the value of a key.',
      'Remove the tag, or write it in front of the whole list.',
    );
  }

  function visit(node: ParsedNode, depth: number): Node {
    if (stopped) return nothing(node);
    if (depth > maxDepth) {
      stopped = true;
      tooDeep((at, message, hint) => report(base + at, message, hint));
      return nothing(node);
    }
    if (isAlias(node)) return resolve(node);
    if (!spend(1, from(node))) return nothing(node);
    const anchor = node.anchor;
    if (anchor !== undefined) anchors.set(anchor, 'open');
    const result = isMap(node)
      ? visitMap(node as YAMLMap.Parsed, depth)
      : isSeq(node)
        ? visitList(node.items as ParsedNode[], node, depth)
        : visitScalar(node as Scalar.Parsed);
    if (isTag(node.tag)) tags.set(result, node.tag === '!reset' ? 'reset' : 'override');
    if (anchor !== undefined) anchors.set(anchor, result);
    return result;
  }

  function resolve(node: ParsedNode & { source: string }): Node {
    const target = anchors.get(node.source);
    if (target === undefined || target === 'open') {
      const message =
        target === 'open'
          ? `Alias ${quoted(`*${node.source}`)} stands inside the value that it names.`
          : `Alias ${quoted(`*${node.source}`)} names no anchor above it.`;
      report(from(node), message, `Write ${quoted(`&${node.source}`)} in front of the value that is meant.`);
      return { ...nothing(node), unknown: true };
    }
    return spend(target.size, from(node)) ? target : nothing(node);
  }

  function visitScalar(node: Scalar.Parsed): Node {
    const value = isTag(node.tag) && node.type === 'PLAIN' ? untagged(node.source) : node.value;
    if (typeof value === 'string') return scalar(node, value, value);
    if (value === null || value === undefined) return nothing(node);
    const written = node.source;
    return typeof value === 'number' || typeof value === 'boolean'
      ? scalar(node, value, written)
      : scalar(node, written, written);
  }

  function visitList(items: readonly ParsedNode[], node: ParsedNode, depth: number): Node {
    const list = items.map((item) => visit(item, depth + 1));
    if (tags.size > 0) for (const item of list) refuseTag(item);
    return { kind: 'list', at: from(node), end: base + node.range[1], size: sizeOf(list), items: list };
  }

  function visitMap(node: YAMLMap.Parsed, depth: number): Node {
    const own = new Map<string, Entry>();
    const merged: Node[] = [];
    for (const pair of node.items) {
      const keyAt = base + (pair.key?.range?.[0] ?? node.range[0]);
      const key = readKey(pair.key, keyAt);
      const value = pair.value === null ? emptyAt(keyAt) : visit(pair.value, depth + 1);
      if (key === undefined) continue;
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        refuseTag(value);
        merged.push(value);
      } else if (own.has(key)) {
        report(keyAt, `Key ${quoted(key)} occurs twice in this map.`, 'Remove one of the two.');
      } else {
        own.set(key, { keyAt, value });
      }
    }
    const entries = merged.length === 0 ? own : merge(own, merged);
    const size = sizeOf([...entries.values()].map(({ value }) => value));
    return { kind: 'map', at: from(node), end: base + node.range[1], size, entries };
  }

  function readKey(node: ParsedNode | null, at: number): string | undefined {
    const key = isScalar(node) || isAlias(node) ? visit(node, 0) : undefined;
    if (key) refuseTag(key);
    if (key?.kind !== 'scalar' || key.value === null) {
      if (!stopped) report(at, 'A key has to be text.', 'Write a name in front of the `:`.');
      return undefined;
    }
    if (key.text === '__proto__') {
      report(at, 'Key `__proto__` is not allowed.', 'Use another name.');
      return undefined;
    }
    return key.text;
  }

  /** What the map itself says wins, then the first of the merged maps that says anything. */
  function merge(own: Map<string, Entry>, merged: readonly Node[]): ReadonlyMap<string, Entry> {
    const entries = new Map(own);
    for (const source of merged.flatMap((node) => (node.kind === 'list' ? node.items : [node]))) {
      if (source.kind !== 'map') {
        if (!stopped) report(source.at, '`<<` takes a map or a list of maps.', 'Name an anchor of a map: `<<: *name`.');
        continue;
      }
      for (const [key, entry] of source.entries) if (!entries.has(key)) entries.set(key, entry);
    }
    return entries;
  }

  const tree = visit(contents, 0);
  refuseTag(tree);
  return stopped ? undefined : tree;
}

/** A plain scalar behind a tag means what it would mean without. */
function untagged(source: string): unknown {
  const { contents } = parseDocument(source, parserOptions);
  return contents === null ? null : isScalar(contents) ? contents.value : source;
}

export const emptyAt = (at: number): ScalarNode => ({ kind: 'scalar', at, end: at, size: 1, value: null, text: '' });

export const sizeOf = (children: readonly Node[]): number => children.reduce((sum, child) => sum + child.size, 1);
