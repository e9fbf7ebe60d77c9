/** Maps and lists as text: over several lines, or inside `{…}` and `[…]`. */
import type { HouseStyle } from './house-style.ts';
import { blockScalar, scalarText } from './scalar-text.ts';
import { isLeaf, isList, isMap, type Leaf, type Value } from './value.ts';

/** What an alias brings in many times would be written out as often: no compose file needs more. */
const mostChars = 2 ** 20;

export const isEmptyCollection = (value: Value): boolean =>
  (isMap(value) && value.entries.size === 0) || (isList(value) && value.items.length === 0);

/** Without a text of several lines: `{ a: [1, 2] }`. @throws RangeError when it is longer than a compose file may be */
export function flowText(value: Value, style: HouseStyle): string {
  let left = mostChars;
  return render(value);

  function render(one: Value): string {
    const text = `${tagOf(one)}${content(one)}`;
    left -= text.length;
    if (left < 0) throw new RangeError('The value is too long.');
    return text;
  }

  function content(one: Value): string {
    if (isLeaf(one)) return leaf(one, 'flow', style);
    const parts = isList(one)
      ? one.items.map(render)
      : [...one.entries].map(([key, item]) => `${keyText(key, 'flow-key', style)}: ${render(item)}`);
    const [open, close, pad] = isList(one) ? ['[', ']', style.brackets] : ['{', '}', style.braces];
    return parts.length === 0 ? `${open}${close}` : `${open}${pad}${parts.join(', ')}${pad}${close}`;
  }
}

/**
 * What stands behind `key:` or behind a dash, with the space or the line break in front of it, and without a line break
 * at its end unless it is a block scalar that needs one.
 *
 * @param indent of the line with the key or the dash
 * @throws RangeError when it is longer than a compose file may be
 */
export function blockText(value: Value, behind: 'key' | 'dash', indent: string, style: HouseStyle): string {
  const { eol } = style;
  let left = mostChars;
  return render(value, behind, indent);

  function render(one: Value, after: 'key' | 'dash', at: string): string {
    const text = content(one, after, at);
    left -= text.length;
    if (left < 0) throw new RangeError('The value is too long.');
    return text;
  }

  function content(one: Value, after: 'key' | 'dash', at: string): string {
    if (isLeaf(one))
      return tagged(
        one,
        after === 'key' && one.scalar === null ? '' : ` ${severalLines(one, at) ?? leaf(one, 'block', style)}`,
      );
    if (isEmptyCollection(one)) return tagged(one, isList(one) ? ' []' : ' {}');
    const compact = after === 'dash' && one.tag === undefined;
    const by = compact ? 2 : isList(one) && after === 'key' ? style.dashStep : style.step;
    const inner = `${at}${' '.repeat(by)}`;
    const parts = isList(one)
      ? one.items.map((item) => `-${render(item, 'dash', inner)}`)
      : [...one.entries].map(([key, item]) => `${keyText(key, 'key', style)}:${render(item, 'key', inner)}`);
    const lines = parts.map((part, n) => (compact && n === 0 ? ' ' : inner) + part);
    // A block scalar has ended its line already.
    const text = lines.reduce((done, line) => `${done}${done === '' || done.endsWith('\n') ? '' : eol}${line}`, '');
    return compact ? text : tagged(one, `${eol}${text}`);
  }

  function severalLines({ scalar }: Leaf, at: string): string | undefined {
    if (typeof scalar !== 'string' || !scalar.slice(0, -1).includes('\n')) return undefined;
    return blockScalar(scalar, 'literal', { indent: `${at}${' '.repeat(style.step)}`, eol, comment: '' });
  }
}

const tagOf = ({ tag }: Value): string => (tag === undefined ? '' : `${tag} `);

const tagged = ({ tag }: Value, text: string): string => (tag === undefined ? text : ` ${tag}${text}`);

const leaf = (one: Leaf, where: 'block' | 'flow', { quote }: HouseStyle): string =>
  scalarText(one, where, 'plain', quote);

export const keyText = (key: string, where: 'key' | 'flow-key', { quote }: HouseStyle): string =>
  scalarText({ scalar: key }, where, 'plain', quote);
