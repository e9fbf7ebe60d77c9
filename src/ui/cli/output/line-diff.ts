/** Two texts, line by line, as `diff -u` shows them. Pure. */

export interface DiffLine {
  readonly kind: 'same' | 'gone' | 'come';
  readonly text: string;
}

/** Beyond, two texts have so little in common that a person is not helped by what they share. */
const mostEdits = 1000;

/**
 * The shortest way from one text to the other (Myers, "An O(ND) Difference Algorithm", 1986). A text that does not end
 * with a line break differs from one that does.
 */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const lines = (kind: DiffLine['kind'], of: readonly string[]): DiffLine[] => of.map((text) => ({ kind, text }));
  const middle = shortest(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...lines('same', a.slice(0, start)), ...middle, ...lines('same', a.slice(a.length - end))];
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') return lines.slice(0, -1);
  return [...lines.slice(0, -1), `${lines.at(-1)}\n\\ no line break at the end`];
}

function shortest(a: readonly string[], b: readonly string[]): readonly DiffLine[] {
  const reached: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(mostEdits, a.length + b.length); edits++) {
    reached.push(new Map(furthest));
    const next = new Map(furthest);
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (next.get(k - 1) ?? -1) < (next.get(k + 1) ?? -1));
      let x = down ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return wayBack(a, b, reached);
    }
    furthest = next;
  }
  return [...a.map((text) => ({ kind: 'gone', text }) as const), ...b.map((text) => ({ kind: 'come', text }) as const)];
}

function wayBack(
  a: readonly string[],
  b: readonly string[],
  reached: readonly ReadonlyMap<number, number>[],
): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let [x, y] = [a.length, b.length];
  for (let edits = reached.length - 1; edits >= 0; edits--) {
    const at = reached[edits] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -edits || (k !== edits && (at.get(k - 1) ?? -1) < (at.get(k + 1) ?? -1));
    const fromK = down ? k + 1 : k - 1;
    const fromX = edits === 0 ? 0 : (at.get(fromK) ?? 0);
    const fromY = edits === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY) {
      lines.push({ kind: 'same', text: a[--x] ?? '' });
      y--;
    }
    if (edits === 0) break;
    if (down) lines.push({ kind: 'come', text: b[--y] ?? '' });
    else lines.push({ kind: 'gone', text: a[--x] ?? '' });
  }
  return lines.toReversed();
}

const around = 3;

/** `@@ -3,7 +3,8 @@` and the lines below it, with three that are the same on both sides of a change. */
export function hunksOf(lines: readonly DiffLine[]): readonly string[] {
  const changed = lines.flatMap(({ kind }, n) => (kind === 'same' ? [] : [n]));
  const ranges: [number, number][] = [];
  for (const n of changed) {
    const last = ranges.at(-1);
    if (last && n - around <= last[1]) last[1] = Math.min(lines.length, n + around + 1);
    else ranges.push([Math.max(0, n - around), Math.min(lines.length, n + around + 1)]);
  }
  const signs = { same: ' ', gone: '-', come: '+' } as const;
  return ranges.flatMap(([from, to]) => {
    const count = (until: number, start: number, not: DiffLine['kind']): number =>
      lines.slice(start, until).filter(({ kind }) => kind !== not).length;
    const side = (not: DiffLine['kind']): string => {
      const length = count(to, from, not);
      return `${count(from, 0, not) + (length === 0 ? 0 : 1)},${length}`;
    };
    const shown = lines.slice(from, to).map(({ kind, text }) => `${signs[kind]}${text.replace(/\r$/, '')}`);
    return [`@@ -${side('come')} +${side('gone')} @@`, ...shown.flatMap((line) => line.split('\n'))];
  });
}
