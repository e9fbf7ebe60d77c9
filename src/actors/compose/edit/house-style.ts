/** How a file is written, so that what is added looks like the rest of it. */
import type { Document, Syntax } from './syntax.ts';

export interface HouseStyle {
  readonly eol: '\n' | '\r\n';
  /** Spaces that a nested map is indented by. */
  readonly step: number;
  /** Spaces that the dashes of a list are indented by, below its key. */
  readonly dashStep: number;
  readonly quote: "'" | '"';
  /** What stands inside the braces of `{ a: 1 }`, and inside the brackets of `[ 1 ]`. */
  readonly braces: '' | ' ';
  readonly brackets: '' | ' ';
}

export function houseStyle({ text, root }: Document): HouseStyle {
  const steps: number[] = [];
  const dashes: number[] = [];
  const quotes: string[] = [];
  const braces: string[] = [];
  const brackets: string[] = [];
  const look = (node: Syntax): void => {
    if (node.kind === 'scalar' && (node.style === 'single' || node.style === 'double')) quotes.push(node.style);
    if (node.kind === 'map') {
      if (node.flow === true && node.entries.length > 0) braces.push(text[node.start + 1] === ' ' ? ' ' : '');
      for (const { start, node: value } of node.entries) {
        const by =
          node.flow === false && isOnOwnLine(text, value.start)
            ? columnOf(text, value.start) - columnOf(text, start)
            : -1;
        if (value.kind === 'map' && value.flow === false && by > 0) steps.push(by);
        if (value.kind === 'list' && !value.flow && by >= 0) dashes.push(by);
        look(value);
      }
    }
    if (node.kind === 'list') {
      if (node.flow && node.items.length > 0) brackets.push(text[node.start + 1] === ' ' ? ' ' : '');
      for (const item of node.items) look(item.node);
    }
  };
  look(root);
  const step = most(steps) ?? 2;
  return {
    eol: eolOf(text),
    step,
    dashStep: most(dashes) ?? step,
    quote: most(quotes) === 'single' ? "'" : '"',
    braces: most(braces) === '' ? '' : ' ',
    brackets: most(brackets) === ' ' ? ' ' : '',
  };
}

export const eolOf = (text: string): '\n' | '\r\n' => {
  const first = text.indexOf('\n');
  return first > 0 && text[first - 1] === '\r' ? '\r\n' : '\n';
};

/** @returns the value that occurs most often, of equals the first */
function most<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: T | undefined;
  for (const [value, count] of counts) if (count > ((best === undefined ? 0 : counts.get(best)) ?? 0)) best = value;
  return best;
}

const mark = '\uFEFF';

/** Of the line that an offset is in, behind a byte order mark. */
export function lineStart(text: string, at: number): number {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  return at === 0 || start > at ? at : start === 0 && text.startsWith(mark) ? Math.min(1, at) : start;
}

/** Where the line ends, in front of its line break. */
export function lineEnd(text: string, at: number): number {
  const found = text.indexOf('\n', at);
  if (found === -1) return text.length;
  return found > at && text[found - 1] === '\r' ? found - 1 : found;
}

/** Behind the line break, or the end of the text. */
export function nextLine(text: string, at: number): number {
  const found = text.indexOf('\n', at);
  return found === -1 ? text.length : found + 1;
}

export const columnOf = (text: string, at: number): number => at - lineStart(text, at);

export const isOnOwnLine = (text: string, at: number): boolean => /^[ ]*$/.test(text.slice(lineStart(text, at), at));
