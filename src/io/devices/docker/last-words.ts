/**
 * What of a followed log still has to be told when the engine ends it.
 *
 * An engine that follows a log may stop a moment before a dying container's last output is in it: the very lines that
 * say why it died. So the end of the log is read once more, from the time of the newest line that was told; the lines
 * of exactly that time are remembered, so that none is told twice.
 */
import type { StampedLine } from './log-lines.ts';

export class LastWords {
  #newest: bigint | undefined;
  /** Of the newest time: how often each line was told. */
  readonly #told = new Map<string, number>();
  readonly #halves: StampedLine[] = [];

  /** @returns whether to tell the line now; the beginning of one waits, since the rest may be what is missing */
  tell(line: StampedLine): boolean {
    if (!line.isWhole) {
      this.#halves.push(line);
      return false;
    }
    if (this.#newest === undefined || line.stamp > this.#newest) {
      this.#newest = line.stamp;
      this.#told.clear();
    }
    if (line.stamp === this.#newest) this.#told.set(keyOf(line), (this.#told.get(keyOf(line)) ?? 0) + 1);
    return true;
  }

  /** From where to read the end once more; undefined when nothing was told. */
  get since(): bigint | undefined {
    return this.#newest;
  }

  /** Beginnings of lines that are too old to be read once more. */
  settledHalves(): readonly StampedLine[] {
    return this.#halves.filter(({ stamp }) => this.#newest !== undefined && stamp < this.#newest);
  }

  /** Of the lines of the second reading: whether the first one had it. */
  wasTold(line: StampedLine): boolean {
    if (this.#newest === undefined || line.stamp > this.#newest) return false;
    if (line.stamp < this.#newest) return true;
    const times = this.#told.get(keyOf(line)) ?? 0;
    this.#told.set(keyOf(line), times - 1);
    return times > 0;
  }
}

const keyOf = ({ stream, text }: StampedLine): string => `${stream} ${text}`;
