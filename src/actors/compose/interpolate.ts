/**
 * `${VARIABLE}` as compose writes it: `$NAME`, `${NAME}`, and with a word
 * `:-` `-` (default when unset or empty / unset), `:+` `+` (replacement when set), `:?` `?` (refuse when missing).
 * The word may itself contain variables; only the one that is used is expanded. `$$` is a dollar sign.
 *
 * A variable that is not set is a problem here, where compose puts in nothing and warns: an empty password or path
 * does harm that a refusal does not. Problems never contain values.
 */

type Part =
  | string
  | {
      readonly name: string;
      readonly operator: Operator;
      readonly word: readonly Part[];
      /** The word as it was written. */
      readonly written: string;
      /** Offset of the `$`. */
      readonly at: number;
    };
type Operator = '' | ':-' | '-' | ':+' | '+' | ':?' | '?';

export interface InterpolationProblem {
  readonly kind: 'syntax' | 'depth' | 'unset' | 'required' | 'length';
  /** Offset in the text. */
  readonly at: number;
  readonly name: string;
  /** What the person wrote after `:?`. */
  readonly written: string;
}

/** Linux takes no longer argument or environment variable. */
export const maxExpandedChars = 131_072;
const maxDepth = 10;

/** @returns the text with every variable replaced, or the first problem */
export function interpolate(text: string, lookup: (name: string) => string | undefined): string | InterpolationProblem {
  if (!text.includes('$')) return text;
  const parts = readParts({ text, at: 0 }, 0);
  return isProblem(parts) ? parts : expand(parts, lookup);
}

interface Reader {
  readonly text: string;
  at: number;
}

const problem = (kind: InterpolationProblem['kind'], at: number, name = '', written = ''): InterpolationProblem => ({
  kind,
  at,
  name,
  written,
});

const isProblem = (value: Part | readonly Part[] | InterpolationProblem): value is InterpolationProblem =>
  typeof value === 'object' && 'kind' in value;

/** Reads up to the end of the text, or at a depth up to the `}` that closes it, which is left to the caller. */
function readParts(reader: Reader, depth: number): readonly Part[] | InterpolationProblem {
  if (depth > maxDepth) return problem('depth', reader.at);
  const { text } = reader;
  const parts: Part[] = [];
  while (reader.at < text.length) {
    const char = text[reader.at];
    if (char === '}' && depth > 0) return parts;
    if (char === '$') {
      const part = readVariable(reader, depth);
      if (isProblem(part)) return part;
      parts.push(part);
      continue;
    }
    const stop = depth > 0 ? /[$}]/g : /\$/g;
    stop.lastIndex = reader.at;
    const next = stop.exec(text)?.index ?? text.length;
    parts.push(text.slice(reader.at, next));
    reader.at = next;
  }
  return parts;
}

const nameAt = /[A-Za-z_][A-Za-z0-9_]*/y;
const operatorAt = /:?[-+?]/y;

function match(pattern: RegExp, reader: Reader): string {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0] ?? '';
  reader.at += found.length;
  return found;
}

function readVariable(reader: Reader, depth: number): Part | InterpolationProblem {
  const { text } = reader;
  const at = reader.at;
  reader.at++;
  if (text[reader.at] === '$') {
    reader.at++;
    return '$';
  }
  const braced = text[reader.at] === '{';
  if (braced) reader.at++;
  const name = match(nameAt, reader);
  if (name === '') return problem('syntax', at);
  if (!braced) return { name, operator: '', word: [], written: '', at };
  const operator = match(operatorAt, reader) as Operator;
  const wordFrom = reader.at;
  const word = operator === '' ? [] : readParts(reader, depth + 1);
  if (isProblem(word)) return word;
  if (text[reader.at] !== '}') return problem('syntax', at, name);
  const written = text.slice(wordFrom, reader.at);
  reader.at++;
  return { name, operator, word, written, at };
}

function expand(parts: readonly Part[], lookup: (name: string) => string | undefined): string | InterpolationProblem {
  let expanded = '';
  for (const part of parts) {
    const text = typeof part === 'string' ? part : valueOf(part, lookup);
    if (typeof text !== 'string') return text;
    expanded += text;
    if (expanded.length > maxExpandedChars) return problem('length', 0);
  }
  return expanded;
}

function valueOf(
  part: Exclude<Part, string>,
  lookup: (name: string) => string | undefined,
): string | InterpolationProblem {
  const value = lookup(part.name);
  const present = part.operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  switch (part.operator) {
    case ':-':
    case '-':
      return present ? (value ?? '') : expand(part.word, lookup);
    case ':+':
    case '+':
      return present ? expand(part.word, lookup) : '';
    case ':?':
    case '?':
      return present ? (value ?? '') : problem('required', part.at, part.name, part.written);
    case '':
      return value ?? problem('unset', part.at, part.name);
  }
}
