/**
 * A command as people write it, in words: quotes keep spaces together, a backslash takes the next character as it is.
 * Nothing is expanded: no shell reads it, the first word is what runs.
 */

/** @returns undefined when there is nothing, or a quote is left open */
export function wordsOf(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\' && quote !== "'") {
      if (at + 1 === text.length) return undefined;
      word = (word ?? '') + (text[++at] ?? '');
    } else if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words.length === 0 || words[0] === '' ? undefined : words;
}

/** The same words as people write them: `wordsOf` reads them again. */
export const textOf = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, (sign) => `\\${sign}`)}"`))
    .join(' ');
