/**
 * Where a reader of log lines goes on after a pause. It asks again from the newest line on, that one included, because
 * the same millisecond may hold more; what comes twice is dropped. Each service has its own mark: lines of one say
 * nothing about how far another was read.
 *
 *   web   ──●───────────● newest        asked from here, or from `overlapMs` before the newest:
 *   db    ──●────● newest               a service may be silent for days
 */
import type { LiveLogLine } from '#io/contract/live.ts';

interface Mark {
  /** Time of the newest line. */
  readonly at: number;
  /** The lines of that millisecond, and how often each was printed: an app may write the same line twice. */
  readonly lines: ReadonlyMap<string, number>;
}

/** How far the services of one app may lie apart when the reading ends. */
const overlapMs = 5000;

export class PrintedLines {
  readonly #marks = new Map<string, Mark>();
  /** As it was when the present reading began, less what has come again since. */
  #before = new Map<string, { readonly at: number; readonly left: Map<string, number> }>();

  /** A new reading begins. @returns the time to ask from, in milliseconds since 1970; undefined before the first line */
  resume(): number | undefined {
    this.#before = new Map([...this.#marks].map(([service, { at, lines }]) => [service, { at, left: new Map(lines) }]));
    if (this.#marks.size === 0) return undefined;
    const newest = [...this.#marks.values()].map(({ at }) => at);
    return Math.max(Math.min(...newest), Math.max(...newest) - overlapMs);
  }

  /** @returns whether the line is to be printed: it was not before the present reading */
  isNew(line: LiveLogLine): boolean {
    if (this.#cameBefore(line)) return false;
    this.#mark(line);
    return true;
  }

  #cameBefore(line: LiveLogLine): boolean {
    const before = this.#before.get(line.service);
    if (!before || line.at > before.at) return false;
    if (line.at < before.at) return true;
    const key = keyOf(line);
    const left = before.left.get(key) ?? 0;
    before.left.set(key, left - 1);
    return left > 0;
  }

  #mark(line: LiveLogLine): void {
    const { service, at } = line;
    const mark = this.#marks.get(service);
    if (mark && at < mark.at) return;
    const lines = new Map(mark?.at === at ? mark.lines : []);
    const key = keyOf(line);
    lines.set(key, (lines.get(key) ?? 0) + 1);
    this.#marks.set(service, { at, lines });
  }
}

const keyOf = ({ stream, text }: LiveLogLine): string => `${stream} ${text}`;
