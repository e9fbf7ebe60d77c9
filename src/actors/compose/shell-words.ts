/**
 * `command: serve --name "my app"` as a list of words, split the way compose does it: spaces divide, quotes hold
 * together, a backslash takes the next character as it is (`\n` and `\t` are a line break and a tab).
 * No shell runs it, so an operator such as `|` or `;` cannot mean anything: compose drops the rest of the line there,
 * here it is a problem.
 */

interface ShellProblem {
  readonly at: number;
  /** The operator or the quote that is not closed. */
  readonly what: 'operator' | 'quote' | 'backslash';
  readonly char: string;
}

const operators = ';&|<>()`';

export function splitWords(text: string): readonly string[] | ShellProblem {
  const words: string[] = [];
  let word: string | undefined;
  let quote: { readonly char: string; readonly at: number } | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\' && quote?.char !== "'") {
      const next = text[++at];
      if (next === undefined) return { at: at - 1, what: 'backslash', char };
      word = (word ?? '') + (next === 'n' ? '\n' : next === 't' ? '\t' : next);
    } else if (quote) {
      if (char === quote.char) quote = undefined;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = { char, at };
      word ??= '';
    } else if (/[ \t\r\n]/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (operators.includes(char)) {
      return { at, what: 'operator', char };
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote) return { at: quote.at, what: 'quote', char: quote.char };
  if (word !== undefined) words.push(word);
  return words;
}
