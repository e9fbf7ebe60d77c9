/**
 * Where output goes: data to stdout, talk to stderr. Talk is made safe here; data is made safe by whoever formats it,
 * because a compose file or the log of a pipe has to stay as it is.
 */
import type { Sink, World } from '../world.ts';
import { safe } from './safe.ts';
import { styleOf, type Style } from './style.ts';
import { wrap } from './width.ts';

/** What every answer fits when nobody says how wide the terminal is. */
export const usualWidth = 80;

/** Of a terminal; one that does not know its width, or says 0, has the usual one. */
export const widthOfSink = ({ columns }: Sink): number => (columns ? Math.max(40, columns) : usualWidth);

export const writePlainly = (write: () => void): void => write();

export class Printer {
  /** For stdout. */
  readonly style: Style;
  /** For stderr. */
  readonly talkStyle: Style;
  /** How a line is written while something else stands at the bottom of the terminal. */
  around: (write: () => void) => void = writePlainly;
  readonly #world: World;
  /** What becomes of the commands in a sentence: see `advice.ts`. */
  readonly #advise: (text: string) => string;

  constructor(world: World, advise: (text: string) => string = (text) => text) {
    this.#world = world;
    this.#advise = advise;
    this.style = styleOf(world.stdout, world.env);
    this.talkStyle = styleOf(world.stderr, world.env);
  }

  /** Columns of stdout. */
  get width(): number {
    return this.#world.stdout.isTTY ? widthOfSink(this.#world.stdout) : usualWidth;
  }

  /** What a table has to fit; a pipe or a file gets everything. */
  get tableWidth(): number | undefined {
    return this.#world.stdout.isTTY ? this.width : undefined;
  }

  data(line: string): void {
    this.#world.stdout.write(`${line}\n`);
  }

  raw(chunk: string | Uint8Array): void {
    this.#world.stdout.write(chunk);
  }

  /** A sentence of this program, with whatever text of the lab is in it. */
  talk(text: string): void {
    for (const line of this.#advise(text).split('\n')) this.talkPainted(safe(line));
  }

  /** A line that is safe already and may have colours. */
  talkPainted(line: string): void {
    this.around(() => void this.#world.stderr.write(`${line}\n`));
  }

  /** A long sentence behind a label, its further lines indented below; off a terminal it stays one line. */
  labelled(label: string, text: string, paint: (text: string) => string = (same) => same): void {
    const columns = this.#world.stderr.isTTY ? widthOfSink(this.#world.stderr) : Infinity;
    const lines = this.#advise(text)
      .split('\n')
      .flatMap((line) => wrap(safe(line), columns - label.length));
    for (const [n, line] of lines.entries()) {
      this.talkPainted(`${n === 0 ? paint(label) : ' '.repeat(label.length)}${line}`);
    }
  }
}
