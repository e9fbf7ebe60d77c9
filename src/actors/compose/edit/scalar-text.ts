/**
 * Scalars as text. Each way of writing one is tried by reading it again: in YAML 1.2, and in YAML 1.1, where `yes` is
 * no text and `22:22` is a number, because other tools read compose files too.
 */
import { isCollection, isPair, isScalar, parseDocument } from 'yaml';
import type { ScalarSyntax } from './syntax.ts';
import type { Leaf } from './value.ts';

/** Where it will stand: a value of a block or of `{…}`, or a key of one. */
export type Where = 'block' | 'flow' | 'key' | 'flow-key';

/** @param style that stands there, or that is used elsewhere @returns on one line */
export function scalarText(leaf: Leaf, where: Where, style: ScalarSyntax['style'], quote: "'" | '"'): string {
  const { scalar, text } = leaf;
  if (typeof scalar !== 'string') return text ?? bare(scalar);
  const ways: Readonly<Record<string, readonly string[]>> = {
    single: [single(scalar), double(scalar)],
    double: [double(scalar)],
  };
  const quoted = quote === "'" ? [single(scalar), double(scalar)] : [double(scalar)];
  const tried = ways[style] ?? [scalar, ...quoted];
  return tried.find((one) => readsAs(one, scalar, where)) ?? double(scalar);
}

function bare(scalar: number | boolean | null): string {
  if (typeof scalar !== 'number') return String(scalar);
  if (Number.isNaN(scalar)) return '.nan';
  if (!Number.isFinite(scalar)) return scalar > 0 ? '.inf' : '-.inf';
  return Object.is(scalar, -0) ? '-0' : String(scalar);
}

const single = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** JSON, with what an editor or a terminal would not show escaped, too. */
function double(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\u00a0\u00ad\u2028\u2029\ufeff\ufffe\uffff]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const around = { block: ['k: ', ''], flow: ['[', ']'], key: ['', ': 0'], 'flow-key': ['{', ': 0}'] } as const;

/** What no style but the one with escapes holds. */
// oxlint-disable-next-line no-control-regex -- control characters are what this refuses
const unwritable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/u;

function readsAs(text: string, value: string, where: Where): boolean {
  if (text === double(value)) return true;
  if (unwritable.test(text) || (text === value && /^(?:[yn]|<<|=)$/i.test(text))) return false;
  const [before, behind] = around[where];
  return (['1.2', '1.1'] as const).every((version) => {
    const options = { version, merge: false, prettyErrors: false, logLevel: 'silent' } as const;
    const { contents, errors, warnings } = parseDocument(`${before}${text}${behind}`, options);
    if (errors.length + warnings.length > 0 || !isCollection(contents) || contents.items.length !== 1) return false;
    const [item] = contents.items;
    const read = isPair(item) ? (where === 'block' ? item.value : item.key) : item;
    return isScalar(read) && read.value === value;
  });
}

/**
 * Several lines, as `|` or `>` has them. Not every text can be: whoever calls reads it again.
 *
 * @param indent in front of each line
 * @param comment behind the header, with the spaces in front of it
 * @returns header and lines, with a line break at the end; undefined where it cannot be
 */
export function blockScalar(
  value: string,
  style: 'literal' | 'folded',
  { indent, eol, comment }: { readonly indent: string; readonly eol: string; readonly comment: string },
): string | undefined {
  const body = value.replace(/\n+$/, '');
  const breaks = value.length - body.length;
  if (body === '' || /^[ \t\n]/.test(body) || unwritable.test(value.replace(/[\n\t]/g, ''))) return undefined;
  const chomping = breaks === 0 ? '-' : breaks === 1 ? '' : '+';
  const written = style === 'literal' ? body : body.replace(/\n+/g, (found) => `${found}\n`);
  const lines = [...written.split('\n'), ...Array.from({ length: breaks - 1 }, () => '')];
  const mark = style === 'literal' ? '|' : '>';
  return `${mark}${chomping}${comment}${eol}${lines.map((line) => (line === '' ? eol : `${indent}${line}${eol}`)).join('')}`;
}
