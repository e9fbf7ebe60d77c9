/** The words of one command: `verb plain plain name=value`. What nobody asked for is a mistake in the script. */
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import type { Watermark } from '#events/raft/state.ts';

export class Words {
  readonly verb: string;
  readonly #plain: string[];
  readonly #named: Map<string, string>;

  constructor(line: string) {
    const [verb = '', ...words] = line.split(/\s+/);
    this.verb = verb;
    this.#plain = words.filter((word) => !word.includes('='));
    this.#named = new Map(words.filter((word) => word.includes('=')).map((word) => pairOf(word)));
  }

  /** The next plain word. */
  next(what: string): string {
    const word = this.#plain.shift();
    if (word === undefined) throw new Error(`${what} is missing`);
    return word;
  }

  get hasNext(): boolean {
    return this.#plain.length > 0;
  }

  /** All that is left. */
  rest(): readonly string[] {
    return this.#plain.splice(0);
  }

  /** Whether the word is there, anywhere. */
  flag(word: string): boolean {
    const at = this.#plain.indexOf(word);
    if (at >= 0) this.#plain.splice(at, 1);
    return at >= 0;
  }

  named(name: string): string | undefined {
    const value = this.#named.get(name);
    this.#named.delete(name);
    return value;
  }

  numberNamed(name: string): number | undefined {
    const value = this.named(name);
    return value === undefined ? undefined : numberOf(value);
  }

  peersNamed(name: string): readonly PeerId[] | undefined {
    const value = this.named(name);
    return value === undefined ? undefined : peersOf(value);
  }

  /** Nothing may be left over. */
  end(): void {
    const left = [...this.#plain, ...this.#named.keys()];
    if (left.length > 0) throw new Error(`${left.join(', ')}: not understood`);
  }
}

export const peersOf = (word: string): readonly PeerId[] => (word === '' ? [] : word.split(',').map(asPeer));

export function numberOf(word: string): number {
  if (!/^\d+$/.test(word)) throw new Error(`${word} is no number`);
  return Number(word);
}

/** `12@3`: index 12 of term 3. */
export function placeOf(word: string): { readonly index: number; readonly term: number } {
  const [index = '', term = ''] = word.split('@');
  return { index: numberOf(index), term: numberOf(term) };
}

/** `12@3/4`: the log went to index 12 of term 3, and the member was in term 4. */
export function watermarkOf(word: string): Watermark {
  const [place = '', term = ''] = word.split('/');
  const { index, term: lastTerm } = placeOf(place);
  return { term: numberOf(term), lastIndex: index, lastTerm };
}

/** `1*3,4,4`: the terms 1, 1, 1, 4, 4. */
export const termsOf = (word: string): readonly number[] =>
  (word === '' ? [] : word.split(',')).flatMap((item) => {
    const [term = '', times = '1'] = item.split('*');
    return Array.from({ length: numberOf(times) }, () => numberOf(term));
  });

function pairOf(word: string): [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}
