/**
 * Where something stands in a text, and how to show it: line and column from 1, and a frame of the source around it
 * with a caret below. Columns count UTF-16 units, as editors do.
 *
 * A frame goes to terminals and browsers, so whatever could move the cursor or turn the direction of the text is
 * replaced, one character by one, and lines are cut to what fits 80 columns.
 */

export interface Source {
  readonly fileName: string;
  readonly text: string;
  /** Offset of the first character of each line; at least one. */
  readonly lineStarts: readonly number[];
}

export function sourceOf(fileName: string, text: string): Source {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { fileName, text, lineStarts };
}

/** @param offset is clamped into the text */
export function positionOf(source: Source, offset: number): { readonly line: number; readonly column: number } {
  const at = Math.max(0, Math.min(offset, source.text.length));
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((source.lineStarts[middle] ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: at - (source.lineStarts[low] ?? 0) + 1 };
}

const linesBefore = 2;
const linesAfter = 1;
const frameWidth = 68;

/**
 * ```text
 *   6 |     ports:
 * > 7 |       - "80"
 *     |         ^
 * ```
 */
export function frameAt(source: Source, offset: number): string {
  const { line, column } = positionOf(source, offset);
  const first = Math.max(1, line - linesBefore);
  const last = Math.min(source.lineStarts.length, line + linesAfter);
  const digits = String(last).length;
  const from = column > frameWidth - 8 ? column - Math.floor(frameWidth / 2) : 0;
  const frame: string[] = [];
  for (let n = first; n <= last; n++) {
    const shown = window(lineText(source, n), from);
    // The empty line that ends a file is worth showing only when something is wrong there.
    if (n > line && shown === '') continue;
    frame.push(`${n === line ? '>' : ' '} ${String(n).padStart(digits)} | ${shown}`.trimEnd());
    if (n === line) frame.push(`  ${' '.repeat(digits)} | ${' '.repeat(caretAt(source, line, column, from))}^`);
  }
  return frame.join('\n');
}

function lineText(source: Source, line: number): string {
  const start = source.lineStarts[line - 1] ?? 0;
  const end = source.lineStarts[line] ?? source.text.length;
  return source.text.slice(start, end).replace(/\r?\n$/, '');
}

/** The part of a line that is shown, `…` for what is cut. */
function window(line: string, from: number): string {
  const start = from === 0 ? '' : '…';
  const cut = line.slice(from, from + frameWidth);
  return line.length <= from ? '' : `${start}${printable(cut)}${line.length > from + frameWidth ? '…' : ''}`;
}

/** Characters in front of the caret as they are shown: a pair of surrogates is one. */
function caretAt(source: Source, line: number, column: number, from: number): number {
  const start = (source.lineStarts[line - 1] ?? 0) + from;
  const before = source.text.slice(start, start + column - 1 - from);
  return [...before].length + (from === 0 ? 0 : 1);
}

const unprintable =
  // oxlint-disable-next-line no-control-regex -- control characters are what this replaces
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu;

/** The text with control, invisible and direction characters replaced by `·`, tabs by a space. */
export const printable = (text: string): string => text.replaceAll('\t', ' ').replace(unprintable, '·');

/** A piece of the compose file inside a sentence: printable, on one line, at most 60 characters. */
export function quoted(text: string): string {
  const line = printable(text);
  return `\`${line.length > 60 ? `${line.slice(0, 59)}…` : line}\``;
}
