/**
 * One line at the bottom of a terminal that says what is going on. Nothing at all where stderr is no terminal. While it
 * stands there, whatever is said is written above it.
 */
import type { World } from '../world.ts';
import { widthOfSink, writePlainly, type Printer } from './printer.ts';
import { safe } from './safe.ts';
import { cutTo } from './width.ts';

const frames = ['◐', '◓', '◑', '◒'];
const clear = '\r\u001b[K';

export class StatusLine {
  readonly #world: World;
  readonly #print: Printer;
  readonly #timer: NodeJS.Timeout | undefined;
  #text = '';
  #frame = 0;

  constructor(world: World, print: Printer) {
    this.#world = world;
    this.#print = print;
    print.around = (write) => this.#above(write);
    if (world.stderr.isTTY && world.env['TERM'] !== 'dumb') {
      this.#timer = setInterval(() => this.#draw(), 120);
      this.#timer.unref();
    }
  }

  show(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#erase();
    this.#text = '';
    this.#print.around = writePlainly;
  }

  #above(write: () => void): void {
    this.#erase();
    write();
    this.#draw();
  }

  #draw(): void {
    if (!this.#timer || this.#text === '') return;
    const frame = frames[this.#frame++ % frames.length];
    this.#world.stderr.write(`${clear}${frame} ${cutTo(safe(this.#text), widthOfSink(this.#world.stderr) - 3)}`);
  }

  #erase(): void {
    if (this.#timer && this.#text !== '') this.#world.stderr.write(clear);
  }
}
