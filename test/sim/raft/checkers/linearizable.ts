/**
 * Whether a history of operations on registers could have been made by one register after another, each operation taking
 * effect at one moment between its call and its answer (Herlihy and Wing, 1990; the search is Wing and Gong's, with
 * Lowe's memory of configurations that led nowhere, 2017).
 *
 * Registers are independent of one another, so each is judged alone. An operation without an answer may have taken
 * effect at any later moment, or never: its end is infinity, and it need not be placed.
 */
export interface Operation {
  readonly client: string;
  readonly key: string;
  /** Moments of the observer's own count; no two are equal. */
  readonly start: number;
  /** Infinity: unknown whether it took effect. */
  readonly end: number;
  readonly do:
    | { readonly write: string }
    /** What it read. Reads without an answer say nothing, and are left out. */
    | { readonly read: string }
    /** `done` is undefined without an answer. */
    | { readonly from: string; readonly to: string; readonly done: boolean | undefined };
}

/** @param initial value of each register @returns what cannot be explained; undefined when all can */
export function explainHistory(history: readonly Operation[], initial: string): string | undefined {
  for (const key of new Set(history.map((operation) => operation.key))) {
    const operations = history.filter((operation) => operation.key === key);
    const stuck = search(operations, initial);
    if (stuck) return `register ${key}: no order of its operations explains\n${stuck.map(show).join('\n')}`;
  }
  return undefined;
}

/**
 * Depth-first over orders: next may come any operation that began before every other unplaced one has ended. A
 * configuration is the set of placed operations and the value; none needs to be entered twice.
 * @returns undefined when an order was found, else the operations around the furthest point that was reached
 */
function search(operations: readonly Operation[], initial: string): readonly Operation[] | undefined {
  const byStart = operations.toSorted((a, b) => a.start - b.start);
  const mustPlace = byStart.filter(({ end }) => end !== Number.POSITIVE_INFINITY).length;
  const placed: boolean[] = byStart.map(() => false);
  const entered = new Set<string>();
  const path: { readonly at: number; readonly before: string }[] = [];
  let value = initial;
  let count = 0;
  let furthest = -1;
  let around: readonly Operation[] = [];
  /** First operation that is not placed; all before it are. */
  let from = 0;
  let next = 0;

  for (;;) {
    if (count === mustPlace) return undefined;
    while (placed[from]) from++;
    const bound = firstEnd(byStart, placed, from);
    const candidate = findCandidate(byStart, placed, Math.max(next, from), bound, value);
    if (candidate !== undefined) {
      const operation = byStart[candidate] as Operation;
      path.push({ at: candidate, before: value });
      placed[candidate] = true;
      value = after(operation, value) as string;
      if (operation.end !== Number.POSITIVE_INFINITY) count++;
      const configuration = `${from}|${open(placed, from)}|${value}`;
      if (!entered.has(configuration)) {
        entered.add(configuration);
        next = 0;
        if (count > furthest) {
          furthest = count;
          around = byStart.filter((_, at) => !placed[at]).slice(0, 6);
        }
        continue;
      }
    }
    // Nothing fits, or this was tried before: take the last one back and try what comes after it.
    const last = path.pop();
    if (!last) return around.length > 0 ? around : byStart.slice(0, 6);
    placed[last.at] = false;
    if ((byStart[last.at] as Operation).end !== Number.POSITIVE_INFINITY) count--;
    value = last.before;
    from = Math.min(from, last.at);
    next = last.at + 1;
  }
}

/** When the first of those that are not placed has its answer. */
function firstEnd(operations: readonly Operation[], placed: readonly boolean[], from: number): number {
  let bound = Number.POSITIVE_INFINITY;
  for (let at = from; at < operations.length; at++) {
    const { start, end } = operations[at] as Operation;
    if (start > bound) break;
    if (!placed[at]) bound = Math.min(bound, end);
  }
  return bound;
}

function findCandidate(
  operations: readonly Operation[],
  placed: readonly boolean[],
  from: number,
  bound: number,
  value: string,
): number | undefined {
  for (let at = from; at < operations.length; at++) {
    const operation = operations[at] as Operation;
    if (operation.start > bound) return undefined;
    if (!placed[at] && after(operation, value) !== undefined) return at;
  }
  return undefined;
}

/** The value after it; undefined when it cannot come here. */
function after({ do: what }: Operation, value: string): string | undefined {
  if ('write' in what) return what.write;
  if ('read' in what) return what.read === value ? value : undefined;
  if (what.done === undefined) return value === what.from ? what.to : value;
  if (what.done !== (value === what.from)) return undefined;
  return what.done ? what.to : value;
}

/** Which of the operations after the first open one are placed, as text. */
function open(placed: readonly boolean[], from: number): string {
  let text = '';
  for (let at = from, end = placed.lastIndexOf(true); at <= end; at++) text += placed[at] ? '1' : '0';
  return text;
}

function show({ client, start, end, do: what }: Operation): string {
  const until = end === Number.POSITIVE_INFINITY ? '…' : end;
  const did =
    'write' in what
      ? `writes ${what.write}`
      : 'read' in what
        ? `reads ${what.read === '' ? 'nothing' : what.read}`
        : `sets ${what.to} for ${what.from === '' ? 'nothing' : what.from}: ${what.done === undefined ? 'unknown' : what.done ? 'done' : 'unequal'}`;
  return `  ${client} ${did} [${start}, ${until}]`;
}
