/**
 * The state database: everything derived, so that a start needs only the tail of the log. Rebuildable, therefore
 * never synced: actors, rows and the checkpoint go in one batch, so whatever survives a crash is consistent.
 *
 *   m|checkpoint                  index, time, versions of fold and projections
 *   m|boot                        which boot of the machine wrote it, and whether it was closed in order
 *   a|<stream>                    actor
 *   r|<view>|<key>                row
 *   c|<first index>               command: id and last index, to take repetitions for what they are
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
import { fromBytes, packValue, toBytes, unpackValue, withPrefix } from './bytes.ts';
import { Folded, tableViews } from './folded.ts';

interface Checkpoint {
  readonly index: number;
  readonly at: number;
  readonly versions: string;
}

/** Names what the stored state was made by: another fold or projection means folding again. */
const versions = JSON.stringify([foldVersion, viewNames.map((name) => [name, projections[name].version])]);

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
  readonly #commands = new Map<string, number>();

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
      const [id, last] = unpackValue<[string, number]>(value);
      return [id, [Number(key), last]] as const;
    });
    for (const [id, [first]] of commands) this.#commands.set(id, first);
    folded.lab.restore({ index: asIndex(checkpoint.index), at: checkpoint.at }, actors, commands);
    for (const view of tableViews) {
      const table = folded.table(view);
      await this.#all(`r|${view}|`, (key, value) => table.restore(key, unpackValue(value)));
    }
    return folded;
  }

  /** One slice: what the steps changed, and the checkpoint, in one batch. */
  async save(folded: Folded, steps: readonly Step[], changes: ReadonlyMap<ViewName, Changes<object>>): Promise<void> {
    const { lab } = folded;
    const ops: Op[] = [];
    for (const stream of new Set(steps.map(({ event }) => event.stream))) {
      const actor = lab.get(stream);
      const key = toBytes(`a|${stream}`);
      ops.push(actor ? { put: key, value: packValue(stored(actor)) } : { del: key });
    }
    for (const [view, { put, deleted }] of changes) {
      for (const [key, row] of put) ops.push({ put: toBytes(`r|${view}|${key}`), value: packValue(row) });
      for (const key of deleted) ops.push({ del: toBytes(`r|${view}|${key}`) });
    }
    ops.push(...this.#commandOps(folded, steps));
    const checkpoint: Checkpoint = { index: lab.index, at: lab.at, versions };
    ops.push({ put: checkpointKey, value: packValue(checkpoint) });
    await this.#store.batch(ops, { sync: false });
  }

  #commandOps({ lab }: Folded, steps: readonly Step[]): Op[] {
    const ops: Op[] = [];
    for (const id of new Set(steps.map(({ event }) => event.command))) {
      const range = lab.command(id);
      if (!range) continue;
      this.#commands.set(id, range[0]);
      ops.push({ put: toBytes(`c|${indexKey(range[0])}`), value: packValue([id, range[1]]) });
    }
    // The lab forgets in log order; so does the map, whose first entry is the oldest.
    for (const [id, first] of this.#commands) {
      if (lab.command(id)) break;
      this.#commands.delete(id);
      ops.push({ del: toBytes(`c|${indexKey(first)}`) });
    }
    return ops;
  }

  /** Keeps the whole lab as it is now, for questions about the past. */
  async retain({ lab, rows }: { lab: Folded['lab']; rows: Folded['rows'] }): Promise<void> {
    const parts: Op[] = [];
    const put = (part: string, value: unknown): void => {
      parts.push({ put: toBytes(`k|${indexKey(lab.index)}|${part}`), value: packValue(value) });
    };
    put('at', lab.at);
    put('actors', allActors(lab).map(stored));
    for (const view of tableViews) put(`rows|${view}`, rows(view));
    await this.#store.batch(parts, { sync: false });
  }

  /** The lab from the newest retained checkpoint at or below an index; an empty one when there is none. */
  async recall(index: Index): Promise<Folded> {
    const folded = new Folded();
    const found = await this.#newestRetained(index);
    if (found === undefined) return folded;
    const part = async <T>(name: string): Promise<T | undefined> => {
      const bytes = await this.#store.get(toBytes(`k|${indexKey(found)}|${name}`));
      return bytes && unpackValue<T>(bytes);
    };
    const actors = (await part<StoredActor[]>('actors')) ?? [];
    folded.lab.restore({ index: asIndex(found), at: (await part<number>('at')) ?? 0 }, actors.map(revive), []);
    for (const view of tableViews) {
      const table = folded.table(view);
      for (const [key, row] of (await part<[string, never][]>(`rows|${view}`)) ?? []) table.restore(key, row);
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

  /** Rows of a view that accumulates, by key range, in order or newest first. */
  async *logRows<R>(
    view: ViewName,
    range: { gte?: string; lt?: string; reverse?: boolean; limit?: number },
  ): AsyncIterable<readonly [string, R]> {
    const prefix = `r|${view}|`;
    const all = withPrefix(prefix);
    const bounds = {
      gte: range.gte === undefined ? all.gte : toBytes(prefix + range.gte),
      lt: range.lt === undefined ? all.lt : toBytes(prefix + range.lt),
      ...(range.reverse ? { reverse: true } : {}),
      ...(range.limit === undefined ? {} : { limit: range.limit }),
    };
    for await (const slice of this.#store.range(bounds)) {
      for (const [key, value] of slice) yield [fromBytes(key).slice(prefix.length), unpackValue<R>(value)];
    }
  }

  async #all<T>(prefix: string, each: (key: string, value: Uint8Array) => T): Promise<T[]> {
    const found: T[] = [];
    for await (const slice of this.#store.range(withPrefix(prefix))) {
      for (const [key, value] of slice) found.push(each(fromBytes(key).slice(prefix.length), value));
    }
    return found;
  }
}

const allActors = (lab: Folded['lab']) =>
  (['app', 'cluster', 'instance', 'namespace', 'node', 'operation', 'schedule', 'snapshot', 'volume'] as const).flatMap(
    (kind) => lab.list(kind) as readonly ReturnType<typeof revive>[],
  );
