/**
 * Reports of snapshots that were taken or removed: those that come close together become one command, because each
 * command is an entry of the log, and a tick may take hundreds. Whoever is alone does not wait; many wait a moment for
 * those that are still at work. What an operation of a person led to is never mixed with anything else.
 */
import { idFrom } from '#actors/ids.ts';
import type { Command, Commands } from '#actors/commands.ts';
import { mostInReport } from '#actors/snapshot/commands.ts';
import type { WorkOrder } from '#actors/work.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Clock, Timer } from '../devices/clock/port.ts';

/** So long the first of many waits for the others. */
const gatherMs = 250;

export interface OutcomesParts {
  readonly node: StreamId<'node'>;
  readonly clock: Clock;
  /** Everything that is being done, whatever it is. */
  orders(): Iterable<WorkOrder>;
  send(report: Sent): Promise<Told>;
}

export interface Sent {
  readonly id: string;
  readonly command: Command;
  readonly cause?: string;
  readonly correlation?: string;
}

/** What became of it: the lab took it, has moved on since, or does not want it. */
export type Told = { readonly refused: string } | 'taken';

type Kind = 'taken' | 'removed';
type Taken = Commands['report-snapshots-taken']['snapshots'][number];
type Removed = Commands['report-snapshots-removed']['snapshots'][number];

interface Waiting {
  readonly kind: Kind;
  readonly order: WorkOrder;
  readonly id: string;
  readonly command: Command;
  readonly items: readonly (Taken | Removed)[];
  resolve(told: Told): void;
  reject(error: unknown): void;
}

export class Outcomes {
  readonly #parts: OutcomesParts;
  #waiting: Waiting[] = [];
  /** Whose report is on its way, or waits to be. */
  readonly #reporting = new Set<StreamId>();
  #timer: Timer | undefined;

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
  }

  /** @throws LogError */
  report(order: WorkOrder, id: string, command: Command): Promise<Told> {
    const gathered = gatherable(command);
    if (!gathered) return this.#parts.send(alone({ order, id, command }));
    this.#reporting.add(order.subject);
    const told = new Promise<Told>((resolve, reject) => {
      this.#waiting.push({ ...gathered, order, id, command, resolve, reject });
    });
    if (this.#isLast(order)) this.#flush();
    else this.#timer ??= this.#parts.clock.setTimeout(() => this.#flush(), gatherMs);
    const done = (): void => void this.#reporting.delete(order.subject);
    void told.then(done, done);
    return told;
  }

  /** Nobody else is at the same kind of work. */
  #isLast({ work }: WorkOrder): boolean {
    for (const order of this.#parts.orders())
      if (order.work === work && !this.#reporting.has(order.subject)) return false;
    return true;
  }

  #flush(): void {
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const groups: { readonly key: string; readonly members: Waiting[]; count: number }[] = [];
    for (const one of this.#waiting) {
      const key = `${one.kind} ${operationOf(one.order) ?? ''}`;
      let group = groups.findLast((known) => known.key === key);
      if (!group || group.count + one.items.length > mostInReport)
        groups.push((group = { key, members: [], count: 0 }));
      group.members.push(one);
      group.count += one.items.length;
    }
    this.#waiting = [];
    for (const { members } of groups) void this.#send(members);
  }

  /** Never rejects: each of the group hears for itself. */
  async #send(group: readonly Waiting[]): Promise<void> {
    const [first] = group;
    if (first && group.length > 1) {
      try {
        const told = await this.#parts.send(together(this.#parts.node, first, group));
        if (told === 'taken') for (const { resolve } of group) resolve(told);
        // Because of one of them, perhaps.
        else for (const one of group) await this.#send([one]);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    } else if (first) {
      await this.#parts.send(alone(first)).then(first.resolve, first.reject);
    }
  }
}

function gatherable({ name, input }: Command): Pick<Waiting, 'kind' | 'items'> | undefined {
  switch (name) {
    case 'report-snapshot-taken':
      return { kind: 'taken', items: [input] };
    case 'report-snapshots-taken':
      return { kind: 'taken', items: input.snapshots };
    case 'report-snapshot-removed':
      return { kind: 'removed', items: [input] };
    default:
      return undefined;
  }
}

const operationOf = ({ correlation }: WorkOrder): string | undefined =>
  correlation.startsWith('operation:') ? correlation : undefined;

const alone = ({ order, id, command }: Pick<Waiting, 'order' | 'id' | 'command'>): Sent => ({
  id,
  command,
  cause: order.cause,
  correlation: order.correlation,
});

function together(node: StreamId<'node'>, { kind, order }: Waiting, group: readonly Waiting[]): Sent {
  const items = group.flatMap((one) => one.items);
  const command: Command =
    kind === 'taken'
      ? { name: 'report-snapshots-taken', input: { node, snapshots: items as Taken[] } }
      : { name: 'report-snapshots-removed', input: { node, snapshots: items } };
  const isOfOne = group.every(({ order: { correlation } }) => correlation === order.correlation);
  const origin = isOfOne ? { cause: order.cause, correlation: order.correlation } : {};
  return { id: idFrom('outcomes', ...group.map(({ id }) => id)), command, ...origin };
}
