/**
 * The layout of a compose file, and nothing else of it: two spaces for each level, dashes two below their key, one space
 * behind a colon or a dash, no spaces at the end of lines, no two empty lines in a row, one kind of line ends. Comments,
 * quotes, flow style, anchors and the order of keys stay: they may have a reason.
 */
import { columnOf, eolOf, lineEnd, lineStart, nextLine } from './house-style.ts';
import type { EditResult } from './edit.ts';
import type { Splice } from './splices.ts';
import {
  parseSyntax,
  type Document,
  type EntrySyntax,
  type ItemSyntax,
  type ScalarSyntax,
  type Syntax,
} from './syntax.ts';
import { same } from './value.ts';

const step = 2;

/** @returns the text, the same one when nothing is to be done; it is refused where its meaning would change */
export function formatText(text: string): EditResult {
  const parsed = parseSyntax(text);
  if ('message' in parsed) return { refused: { code: 'UNREADABLE', ...parsed } };
  const formatted = new Layout(parsed).apply();
  const read = parseSyntax(formatted);
  if (!('message' in read) && same(parsed.root.value, read.root.value)) return { text: formatted };
  return {
    refused: {
      code: 'UNWRITABLE',
      at: 0,
      message: 'The file cannot be laid out anew without changing what it means.',
      hint: 'Leave it as it is: nothing was changed.',
    },
  };
}

/** Where a line begins now, and where it shall. */
interface Column {
  readonly from: number;
  readonly to: number;
}

class Layout {
  readonly #text: string;
  readonly #root: Syntax;
  /** By the start of their line: what begins there, from the left; a dash and the key behind it are two. */
  readonly #columns = new Map<number, Column[]>();
  /** Lines that go on with a scalar or with `{…}`, and by how much they move. */
  readonly #moved = new Map<number, number>();
  /** Lines that are part of a text, to their end. */
  readonly #inside = new Set<number>();
  readonly #splices: Splice[] = [];

  constructor({ text, root }: Document) {
    this.#text = text;
    this.#root = root;
  }

  apply(): string {
    const text = this.#text;
    const root = this.#root;
    if ((root.kind === 'map' || root.kind === 'list') && root.flow === false) this.#collection(root, 0);
    else this.#continued(root.start, root.end, 0);
    const splices = [...this.#splices, ...this.#lines()].toSorted((a, b) => a.from - b.from || a.to - b.to);
    let formatted = '';
    let done = 0;
    for (const { from, to, text: put } of splices) {
      if (from < done) continue;
      formatted += text.slice(done, from) + put;
      done = to;
    }
    return this.#ended(formatted + text.slice(done));
  }

  #collection(node: Extract<Syntax, { kind: 'map' | 'list' }>, column: number): void {
    const items: readonly (EntrySyntax | ItemSyntax)[] = node.kind === 'map' ? node.entries : node.items;
    for (const item of items) {
      const start = lineStart(this.#text, item.start);
      const known = this.#columns.get(start) ?? [];
      this.#columns.set(start, [...known, { from: columnOf(this.#text, item.start), to: column }]);
      if ('explicit' in item && item.explicit) {
        this.#continued(item.start, item.end, column - columnOf(this.#text, item.start));
        continue;
      }
      if ('key' in item && /\n/.test(this.#text.slice(item.start, item.slot)))
        this.#continued(item.start, item.slot, column - columnOf(this.#text, item.start));
      this.#value(item, column);
    }
  }

  #value({ start, slot, node }: ItemSyntax, column: number): void {
    const text = this.#text;
    const gap = /^[ \t]+(?=[^\s#])/.exec(text.slice(slot, lineEnd(text, slot)));
    if (gap && node.end > slot) this.#splices.push({ from: slot, to: slot + gap[0].length, text: ' ' });
    const inner = column + step;
    if ((node.kind === 'map' || node.kind === 'list') && node.flow === false) {
      this.#collection(node, inner);
      return;
    }
    const by = column - columnOf(text, start);
    if (node.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded')) this.#block(node, inner, by);
    else this.#continued(slot, node.end, by);
  }

  /** A header that counts its own spaces is moved by as much as what holds it. */
  #block({ start, end }: ScalarSyntax, inner: number, by: number): void {
    const text = this.#text;
    const first = nextLine(text, start);
    const counts = /^[|>][-+]?[0-9]/.test(text.slice(start, first));
    const indents = text
      .slice(first, end)
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => /^ */.exec(line)?.[0].length ?? 0);
    const least = indents.length === 0 ? 0 : Math.min(...indents);
    this.#continued(start, end, counts ? by : inner - least);
  }

  /** The lines behind the first one up to this end, as a whole. */
  #continued(start: number, end: number, by: number): void {
    const text = this.#text;
    for (let line = nextLine(text, start); line < end; line = nextLine(text, line)) {
      this.#moved.set(line, by);
      this.#inside.add(line);
    }
    // What stands behind a quote or a bracket on the last line is no part of it; the first line may go on in the next.
    if (text.indexOf('\n', start) !== -1 && text.indexOf('\n', start) < end) this.#inside.add(lineStart(text, start));
  }

  /** What becomes of the space in front of each line and at its end. */
  #lines(): readonly Splice[] {
    const text = this.#text;
    const splices: Splice[] = [];
    const above: Column[] = [];
    let blanks = 0;
    for (let line = text.startsWith('\uFEFF') ? 1 : 0; line < text.length; line = nextLine(text, line)) {
      const end = lineEnd(text, line);
      const [lead = ''] = /^[ \t]*/.exec(text.slice(line, end)) ?? [];
      const columns = this.#columns.get(line);
      const moved = this.#moved.get(line);
      const isBlank = lead.length === end - line;
      if (columns) above.push(...columns);
      if (isBlank && moved === undefined) {
        blanks++;
        if (blanks > 1 || line <= 1) splices.push({ from: line, to: nextLine(text, line), text: '' });
        else if (lead !== '') splices.push({ from: line, to: end, text: '' });
        continue;
      }
      blanks = 0;
      const to =
        columns?.[0]?.to ??
        (moved === undefined ? this.#comment(line, lead.length, above) : Math.max(0, lead.length + moved));
      if (!isBlank && to !== undefined && (to !== lead.length || /\t/.test(lead)))
        splices.push({ from: line, to: line + lead.length, text: ' '.repeat(to) });
      const trailing = /[ \t]+$/.exec(text.slice(line, end));
      if (trailing && !isBlank && !this.#inside.has(line))
        splices.push({ from: end - trailing[0].length, to: end, text: '' });
    }
    return splices;
  }

  /** A comment goes with what stands below it in the same column, else with what stood above it in that one. */
  #comment(line: number, column: number, above: readonly Column[]): number | undefined {
    const text = this.#text;
    if (text[line + column] !== '#') return undefined;
    for (let next = nextLine(text, line); next < text.length; next = nextLine(text, next)) {
      const [below] = this.#columns.get(next) ?? [];
      if (!below && !/^\s*#/.test(text.slice(next, lineEnd(text, next)))) break;
      if (below && below.from === column) return below.to;
      if (below) break;
    }
    return above.findLast(({ from }) => from <= column)?.to ?? column;
  }

  #ended(text: string): string {
    const eol = eolOf(this.#text);
    const body = text.replace(/\r?\n/g, eol);
    const last = this.#lastLeaf(this.#root);
    // A text that ends the file may count its own line breaks.
    if (
      last.kind === 'scalar' &&
      (last.style === 'literal' || last.style === 'folded') &&
      last.end === this.#text.length
    )
      return body;
    return `${body.replace(/\s+$/, '')}${eol}`;
  }

  #lastLeaf(node: Syntax): Syntax {
    const last = node.kind === 'map' ? node.entries.at(-1) : node.kind === 'list' ? node.items.at(-1) : undefined;
    return last ? this.#lastLeaf(last.node) : node;
  }
}
