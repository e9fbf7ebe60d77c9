/**
 * What a finding advises, as an edit: of a word that was misspelt, the word that was meant. Only where that is certain,
 * and only as a change of the one place that the finding shows.
 */
import { sourceOf } from '../locate.ts';
import type { Finding } from '../model.ts';
import { meantBy, nearest } from '../suggest.ts';
import { editText, type Edit } from './edit.ts';
import { parseSyntax, type Syntax } from './syntax.ts';
import { isLeaf, type Path } from './value.ts';

export interface QuickFix {
  /** The word that comes. */
  readonly word: string;
  /** The whole file with it. */
  readonly text: string;
}

/** @returns undefined where a person has to decide, or where others would change too */
export function quickFix(
  text: string,
  { line, column, hint }: Pick<Finding, 'line' | 'column' | 'hint'>,
): QuickFix | undefined {
  const word = meantBy(hint);
  const start = sourceOf('', text).lineStarts[line - 1];
  const document = word === undefined || start === undefined ? undefined : parseSyntax(text);
  if (word === undefined || start === undefined || !document || 'message' in document) return undefined;
  const edit = editAt(document.root, start + column - 1, [], word);
  const result = edit && editText(text, [edit]);
  return result && 'text' in result ? { word, text: result.text } : undefined;
}

function editAt(node: Syntax, at: number, path: Path, word: string): Edit | undefined {
  if (node.kind === 'scalar') {
    const value = node.start === at && isLeaf(node.value) ? corrected(node.value.text ?? '', word) : undefined;
    return value === undefined ? undefined : { do: 'set', path, value };
  }
  if (node.kind === 'alias') return undefined;
  if (node.kind === 'list') {
    for (const [n, item] of node.items.entries()) {
      const found = editAt(item.node, at, [...path, n], word);
      if (found) return found;
    }
    return undefined;
  }
  for (const { key, keyNode, merge, node: value } of node.entries) {
    if (merge) continue;
    if (keyNode.start === at) return isSlip(key, word) ? { do: 'rename', path: [...path, key], key: word } : undefined;
    const found = editAt(value, at, [...path, key], word);
    if (found) return found;
  }
  return undefined;
}

const isSlip = (written: string, word: string): boolean => nearest(written, [word]) === word;

/** The text itself, or of `date:/data` the name in front. */
function corrected(text: string, word: string): string | undefined {
  if (isSlip(text, word)) return word;
  const [name = '', ...rest] = text.split(':');
  return rest.length > 0 && isSlip(name, word) ? [word, ...rest].join(':') : undefined;
}
