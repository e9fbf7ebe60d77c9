/**
 * A machine as a picture: states in columns by how far they are from the beginning, arcs between them. The machines of
 * the lab are flat (no states in states), and an arc that leaves from everywhere stands at the root. Pure.
 */

/** The part of an XState configuration that says what states and arcs there are. */
export interface MachineConfig {
  readonly initial?: unknown;
  readonly on?: unknown;
  readonly states?: unknown;
}

export interface Arc {
  readonly from: string;
  readonly to: string;
  readonly event: string;
}

export interface ChartState {
  readonly name: string;
  readonly isFinal: boolean;
  /** The work that a node does while it is there. */
  readonly work: string | undefined;
  readonly column: number;
  readonly row: number;
}

export interface Chart {
  readonly states: readonly ChartState[];
  readonly arcs: readonly Arc[];
  readonly columns: number;
  readonly rows: number;
}

type Transitions = Readonly<Record<string, unknown>>;
interface StateConfig {
  readonly on?: Transitions;
  readonly type?: string;
  readonly meta?: { readonly work?: string };
}

/** Where a transition leads: itself when it names no target (something is noted, nothing moves). */
function targetsOf(from: string, transition: unknown): readonly string[] {
  if (transition === undefined || transition === null) return [];
  if (typeof transition === 'string') return [transition.replace(/^\./, '')];
  if (Array.isArray(transition)) return [...new Set(transition.flatMap((one) => targetsOf(from, one)))];
  const { target } = transition as { target?: unknown };
  return typeof target === 'string' ? [target.replace(/^\./, '')] : [from];
}

export function chartOf(config: MachineConfig): Chart {
  const states = (config.states ?? {}) as Readonly<Record<string, StateConfig>>;
  const everywhere = Object.entries((config.on ?? {}) as Transitions);
  const arcs = Object.entries(states).flatMap(([from, { on = {}, type }]) => {
    const own = Object.entries(on);
    const inherited = type === 'final' ? [] : everywhere.filter(([event]) => !Object.hasOwn(on, event));
    return [...own, ...inherited].flatMap(([event, transition]) =>
      targetsOf(from, transition).map((to) => ({ from, to, event })),
    );
  });
  const columns = columnsOf(
    typeof config.initial === 'string' ? config.initial : '',
    Object.keys(states),
    arcs,
    (name) => states[name]?.type === 'final',
  );
  const taken = new Map<number, number>();
  const placed = Object.entries(states).map(([name, { type, meta }]) => {
    const column = columns.get(name) ?? 0;
    const row = taken.get(column) ?? 0;
    taken.set(column, row + 1);
    return { name, isFinal: type === 'final', work: meta?.work, column, row };
  });
  return {
    states: placed,
    arcs,
    columns: Math.max(0, ...placed.map(({ column }) => column)) + 1,
    rows: Math.max(0, ...taken.values()),
  };
}

/** Steps from the beginning; final states stand in a column of their own at the end. */
function columnsOf(
  initial: string,
  names: readonly string[],
  arcs: readonly Arc[],
  isFinal: (name: string) => boolean,
): ReadonlyMap<string, number> {
  const columns = new Map<string, number>([[initial, 0]]);
  const queue = [initial];
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const { to } of arcs.filter((arc) => arc.from === from && arc.to !== from)) {
      if (columns.has(to) || isFinal(to)) continue;
      columns.set(to, (columns.get(from) ?? 0) + 1);
      queue.push(to);
    }
  }
  const last = Math.max(0, ...columns.values()) + 1;
  for (const name of names) if (!columns.has(name)) columns.set(name, last);
  return columns;
}

/** The events that the state accepts, each with where it leads; sorted by name. */
export const acceptedIn = (chart: Chart, state: string): readonly Arc[] =>
  chart.arcs
    .filter(({ from }) => from === state)
    .toSorted((a, b) => a.event.localeCompare(b.event) || a.to.localeCompare(b.to));
