/**
 * The state database: everything derived, so that a start needs only the tail of the log. Rebuildable, therefore
 * never synced: actors, rows and the checkpoint go in one batch, so whatever survives a crash is consistent.
 *
 *   m|checkpoint                  index, time, versions of fold and projections
 *   m|boot                        which boot of the machine wrote it, and whether it was closed in order
 *   a|<stream>                    actor
 *   r|<view>|<key>                row of a table
 *   l|<view>|<group>|<index>      rows that accumulate, from this index on: several that were stored at once
 *   c|<index>                     commands from this index on, to take repetitions for what they are
 *   k|<index>|<part>              retained checkpoint, from which the past is rebuilt
 */
import { asIndex, type Index } from '#events/envelope.ts';
import type { Step } from '#actors/actor.ts';
import { revive, type StoredActor } from '#actors/advance.ts';
import { foldVersion } from '#actors/machines.ts';
import { projections, viewNames, type ViewName } from '#projections/registry.ts';
import type { Changes } from '#projections/rows.ts';
import { indexKey } from '#projections/views/activity.ts';
import type { Op, Store } from '../stores/port.ts';
import { fromBytes, packList, packValue, toBytes, unpackList, unpackValue, withPrefix } from './bytes.ts';
import { Folded, storedViews, tableViews } from './folded.ts';

interface Checkpoint {
  readonly index: number;
  readonly at: number;
  /** How many commands are remembered. */
  readonly commands: number;
  readonly versions: string;
}

/** Of keys and values here. */
const layout = 2;
/** Names what the stored state was made by: another fold, projection or layout means folding again. */
const versions = JSON.stringify([layout, foldVersion, viewNames.map((name) => [name, projections[name].version])]);

/** Rows that accumulate, in one value: few enough to unpack for the sake of one. */
const rowsPerValue = 64;
type LogEntry = readonly [index: number, row: object];
type CommandEntry = readonly [id: string, first: number, last: number];

const checkpointKey = toBytes('m|checkpoint');
const bootKey = toBytes('m|boot');

/** A crash of the process keeps what was written; only a machine that went down can have lost some of it. */
interface Boot {
  readonly id: string;
  readonly isClosed: boolean;
}

export const stored = ({ snapshot: _, kind: __, ...actor }: ReturnType<typeof revive>): StoredActor => actor;

export class StateDatabase {
  readonly #store: Store;
  readonly #bootId: string;
  /** What is stored of commands, oldest first: its key, and the last command in it. */
  readonly #commands: { readonly key: Uint8Array; readonly last: string }[] = [];

  /** @param bootId changes whenever the machine starts */
  constructor(store: Store, bootId: string) {
    this.#store = store;
    this.#bootId = bootId;
  }

  /** Marks it as whole: the next start may go on from it, whatever happens to the machine meanwhile. */
  async close(): Promise<void> {
    await this.#mark(true);
    await this.#store.close();
  }

  async #mark(isClosed: boolean): Promise<void> {
    const boot: Boot = { id: this.#bootId, isClosed };
    await this.#store.batch([{ put: bootKey, value: packValue(boot) }], { sync: true });
  }

  /**
   * Nothing here is synced, and LevelDB may keep a later batch and lose an earlier one when the power goes. What a
   * machine wrote before it went down is therefore made again.
   */
  async #isWhole(): Promise<boolean> {
    const bytes = await this.#store.get(bootKey);
    const boot = bytes && unpackValue<Boot>(bytes);
    return boot !== undefined && (boot.isClosed || boot.id === this.#bootId);
  }

  /** @returns the lab as it was stored, or an empty one when there is none that this version can go on from */
  async load(): Promise<Folded> {
    const folded = new Folded();
    const bytes = (await this.#isWhole()) ? await this.#store.get(checkpointKey) : undefined;
    const checkpoint = bytes && unpackValue<Checkpoint>(bytes);
    if (checkpoint?.versions !== versions) {
      await this.#store.clear({});
      await this.#mark(false);
      return folded;
    }
    await this.#mark(false);
    const actors = await this.#all('a|', (_, value) => revive(unpackValue<StoredActor>(value)));
    const commands = await this.#all('c|', (key, value) => {
      const entries = unpackList<CommandEntry>(value);
      this.#commands.push({ key: toBytes(`c|${key}`), last: entries.at(-1)?.[0] ?? '' });
      return entries;
    });
    const ranges = new Map(commands.flat().map(([id, first, last]) => [id, [first, last]] as const));
    // The oldest value may hold some that are forgotten.
    const remembered = [...ranges].slice(ranges.size - checkpoint.commands);
    folded.restore({ index: asIndex(checkpoint.index), at: checkpoint.at }, actors, remembered);
    for (const view of storedViews) {
      const table = folded.table(view);
      await this.#all(`r|${view}|`, (key, value) => table.restore(key, unpackValue(value)));
    }
    return folded;
  }

  /** What the steps changed, and the checkpoint, in one batch. */
  async save(folded: Folded, steps: readonly Step[], changes: ReadonlyMap<ViewName, Changes<object>>): Promise<void> {
    const { lab } = folded;
    const ops: Op[] = [];
    for (const stream of new Set(steps.map(({ event }) => event.stream))) {
      const actor = lab.get(stream);
      const key = toBytes(`a|${stream}`);
      ops.push(actor ? { put: key, value: packValue(stored(actor)) } : { del: key });
    }
    for (const view of storedViews) {
      const changed = changes.get(view);
      for (const [key, row] of changed?.put ?? [])
        ops.push({ put: toBytes(`r|${view}|${key}`), value: packValue(row) });
      for (const key of changed?.deleted ?? []) ops.push({ del: toBytes(`r|${view}|${key}`) });
    }
    for (const view of logViews) ops.push(...logOps(view, changes.get(view)?.put ?? []));
    ops.push(...this.#commandOps(folded, steps));
    const checkpoint: Checkpoint = { index: lab.index, at: lab.at, commands: lab.commands.size, versions };
    ops.push({ put: checkpointKey, value: packValue(checkpoint) });
    await this.#store.batch(ops, { sync: false });
  }

  #commandOps({ lab }: Folded, steps: readonly Step[]): Op[] {
    const ops: Op[] = [];
    const entries: CommandEntry[] = [];
    for (const id of new Set(steps.map(({ event }) => event.command))) {
      const range = lab.command(id);
      if (range) entries.push([id, ...range]);
    }
    const [first] = entries;
    const last = entries.at(-1);
    if (first && last) {
      const key = toBytes(`c|${indexKey(first[1])}`);
      this.#commands.push({ key, last: last[0] });
      ops.push({ put: key, value: packList(entries) });
    }
    // The lab forgets in log order, and so do these.
    for (let oldest = this.#commands[0]; oldest && !lab.command(oldest.last); oldest = this.#commands[0]) {
      this.#commands.shift();
      ops.push({ del: oldest.key });
    }
    return ops;
  }

  /** Keeps the whole lab as it is now, for questions about the past. */
  async retain({ lab, rows }: { lab: Folded['lab']; rows: Folded['rows'] }): Promise<void> {
    const parts: Op[] = [];
    const put = (part: string, list: readonly unknown[]): void => {
      parts.push({ put: toBytes(`k|${indexKey(lab.index)}|${part}`), value: packList(list) });
    };
    put('at', [lab.at]);
    put('actors', allActors(lab).map(stored));
    for (const view of storedViews) put(`rows|${view}`, rows(view));
    await this.#store.batch(parts, { sync: false });
  }

  /** The lab from the newest retained checkpoint at or below an index; an empty one when there is none. */
  async recall(index: Index): Promise<Folded> {
    const folded = new Folded(tableViews);
    const found = await this.#newestRetained(index);
    if (found === undefined) return folded;
    const part = async <T>(name: string): Promise<readonly T[]> => {
      const bytes = await this.#store.get(toBytes(`k|${indexKey(found)}|${name}`));
      return bytes ? unpackList<T>(bytes) : [];
    };
    const [at = 0] = await part<number>('at');
    const actors = await part<StoredActor>('actors');
    folded.restore({ index: asIndex(found), at }, actors.map(revive), []);
    for (const view of storedViews) {
      const table = folded.table(view);
      for (const [key, row] of await part<[string, never]>(`rows|${view}`)) table.restore(key, row);
    }
    return folded;
  }

  async #newestRetained(index: Index): Promise<number | undefined> {
    const range = { gte: toBytes('k|'), lt: toBytes(`k|${indexKey(index + 1)}`), reverse: true, limit: 1 };
    for await (const slice of this.#store.range(range)) {
      const key = slice[0]?.[0];
      if (key) return Number(fromBytes(key).split('|')[1]);
    }
    return undefined;
  }

  /** Rows of a view that accumulates, with their indices: in order, or newest first. */
  async *logRows<R>(view: ViewName, range: LogRange): AsyncIterable<readonly [index: number, row: R]> {
    const { after = 0, before = Number.MAX_SAFE_INTEGER, limit = Infinity } = range;
    const prefix = logPrefix(view, range.group);
    let left = limit;
    const bounds = {
      gte: after === 0 ? toBytes(prefix) : await this.#valueAround(prefix, after + 1),
      lt: toBytes(`${prefix}${indexKey(before)}`),
      ...(range.reverse ? { reverse: true } : {}),
      // Every value has a row; but the first one may have none behind `after`.
      ...(limit === Infinity ? {} : { limit: limit + 1 }),
    };
    for await (const slice of this.#store.range(bounds)) {
      for (const [, value] of slice) {
        const entries = unpackList<readonly [number, R]>(value);
        for (const entry of range.reverse ? entries.toReversed() : entries) {
          if (entry[0] <= after || entry[0] >= before) continue;
          yield entry;
          if (--left === 0) return;
        }
      }
    }
  }

  /** Key of the value that would hold the row with this index. */
  async #valueAround(prefix: string, index: number): Promise<Uint8Array> {
    const range = { gte: toBytes(prefix), lt: toBytes(`${prefix}${indexKey(index + 1)}`), reverse: true, limit: 1 };
    for await (const slice of this.#store.range(range)) {
      const key = slice[0]?.[0];
      if (key) return key;
    }
    return toBytes(`${prefix}${indexKey(index)}`);
  }

  async #all<T>(prefix: string, each: (key: string, value: Uint8Array) => T): Promise<T[]> {
    const found: T[] = [];
    for await (const slice of this.#store.range(withPrefix(prefix))) {
      for (const [key, value] of slice) found.push(each(fromBytes(key).slice(prefix.length), value));
    }
    return found;
  }
}

interface LogRange {
  /** Of the view's groups, where it has some. */
  readonly group?: string;
  /** Only rows of later events. */
  readonly after?: number;
  /** Only rows of earlier events. */
  readonly before?: number;
  /** Newest first. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

const logViews = viewNames.filter((name) => projections[name].keeps === 'log');

const logPrefix = (view: ViewName, group = ''): string => `l|${view}|${group}|`;

/** Rows of one group, several to a value, under the index of the first. Each save begins new values. */
function logOps(view: ViewName, rows: Changes<object>['put']): Op[] {
  const ops: Op[] = [];
  const groups = new Map<string, LogEntry[]>();
  for (const [key, row] of rows) {
    const at = key.lastIndexOf('|');
    const group = at < 0 ? '' : key.slice(0, at);
    const entry: LogEntry = [Number(key.slice(at + 1)), row];
    const entries = groups.get(group);
    if (entries) entries.push(entry);
    else groups.set(group, [entry]);
  }
  for (const [group, entries] of groups) {
    for (let from = 0; from < entries.length; from += rowsPerValue) {
      const part = entries.slice(from, from + rowsPerValue);
      const [index = 0] = part[0] ?? [];
      ops.push({ put: toBytes(`${logPrefix(view, group)}${indexKey(index)}`), value: packList(part) });
    }
  }
  return ops;
}

const allActors = (lab: Folded['lab']) =>
  (['app', 'cluster', 'instance', 'namespace', 'node', 'operation', 'schedule', 'snapshot', 'volume'] as const).flatMap(
    (kind) => lab.list(kind) as readonly ReturnType<typeof revive>[],
  );
