/**
 * Log lines as programs write them: colours of the terminal become classes, every other control sequence goes. Pure.
 */
export interface Piece {
  readonly text: string;
  /** 0 to 7 as terminals number them (black, red, green, yellow, blue, magenta, cyan, white); undefined: plain. */
  readonly color?: number;
  readonly bold?: boolean;
  readonly dim?: boolean;
}

const escape = String.fromCharCode(27);
/** Colour sequences are captured; others (cursor, title, links) only matched. */
const sequence = new RegExp(
  `${escape}(?:\\[([0-9;]*)m|\\[[0-9;?]*[ -/]*[@-~]|\\][^${String.fromCharCode(7)}${escape}]*(?:${String.fromCharCode(7)}|${escape}\\\\)|[@-Z\\\\^_])`,
  'g',
);

type Style = Omit<Piece, 'text'>;

export function pieces(line: string): readonly Piece[] {
  if (!line.includes(escape)) return [{ text: line }];
  const found: Piece[] = [];
  let style: Style = {};
  let at = 0;
  for (const match of line.matchAll(sequence)) {
    if (match.index > at) found.push({ text: line.slice(at, match.index), ...style });
    if (match[1] !== undefined) style = styled(style, match[1]);
    at = match.index + match[0].length;
  }
  if (at < line.length) found.push({ text: line.slice(at), ...style });
  return found;
}

function styled(before: Style, codes: string): Style {
  let style = before;
  const numbers = codes === '' ? [0] : codes.split(';').map(Number);
  for (let n = 0; n < numbers.length; n++) {
    const code = numbers[n] ?? 0;
    if (code === 38 || code === 48) {
      // A colour of 256 or of 16 million: one of ours would be a guess.
      n += numbers[n + 1] === 5 ? 2 : 4;
      continue;
    }
    style = withCode(style, code);
  }
  return style;
}

function withCode(style: Style, code: number): Style {
  if (code === 0) return {};
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) {
    const { bold: _, dim: __, ...rest } = style;
    return rest;
  }
  if (code === 39) {
    const { color: _, ...rest } = style;
    return rest;
  }
  if (code >= 30 && code <= 37) return { ...style, color: code - 30 };
  return code >= 90 && code <= 97 ? { ...style, color: code - 90 } : style;
}

export const withoutColors = (line: string): string =>
  pieces(line)
    .map(({ text }) => text)
    .join('');

/** Where a text is found in a line, whatever the case: pairs of beginning and end. */
export function findAll(line: string, text: string): readonly (readonly [number, number])[] {
  const needle = text.toLowerCase();
  if (needle === '') return [];
  const haystack = line.toLowerCase();
  // A letter whose small form is longer would shift what follows: then only exact matches count.
  const source = haystack.length === line.length ? haystack : line;
  const found: [number, number][] = [];
  for (let at = source.indexOf(needle); at !== -1; at = source.indexOf(needle, at + needle.length))
    found.push([at, at + needle.length]);
  return found;
}
