/**
 * Work on replicas, done by their own nodes: fetch what the volume has gained, put aside what it does not have, remove.
 *
 *   look at both ends ─▶ finish what was interrupted ─▶ receive ─▶ confirm ─▶ report
 *          │
 *          └─ nothing in common: nothing is touched, and a person is asked
 *
 * Every attempt begins with what is there. Each step at one end takes as long as some commands of its file system, so
 * both ends work at the same time: they look together, and the sender prepares its stream while the receiver does. The
 * report speaks of what is on disk; that the other end hears of it, so that it lets go of what was sent, comes after it:
 * the next stream waits for that, and says it again.
 */
import type { WorkOrder } from '#actors/work.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import { formatSize } from '#events/values/size.ts';
import { asIoError, IoError } from '../../devices/error.ts';
import { compareEpochs } from '../../devices/replication/names.ts';
import { formatBetween } from '../../devices/replication/formats.ts';
import {
  describeFormat,
  type Bases,
  type StreamAbilities,
  type StreamFormat,
  type Wanted,
} from '../../devices/replication/port.ts';
import type { Dataset } from '../../devices/volumes/port.ts';
import type { AskedFor, SourceLook } from '../replica-source.ts';
import { begun } from '../begun.ts';
import { unsqueezed } from '../squeezed.ts';
import type { Failures, Ports, Run, Workers } from '../worker.ts';

type ReplicaWork = 'sync-replica' | 'resync-replica' | 'remove-replica';
type Order = WorkOrder<ReplicaWork>;

const intoOf = ({ input }: Order): Dataset => ({ pool: input.pool, name: input.dataset });
const replicaOf = (subject: StreamId) => subject as StreamId<'replica'>;
const asked = ({ subject, node }: Order): AskedFor => ({ replica: idOf(subject), by: node });

export const replicaWorkers: Pick<Workers, ReplicaWork> = {
  'sync-replica': async (order, ports, run) => {
    const { subject, visit, input } = order;
    run.fence();
    // None of them changes anything.
    const [there, found, own] = await Promise.all([
      ports.sources.look(asked(order), run.signal),
      ports.replication.bases(intoOf(order), run),
      ports.replication.abilities(input.pool, run),
    ]);
    let here = found;
    refuseVolume(here, order);
    const streams = await streamsOf(order, here, { there, own }, ports, run);
    const come: Come = { bytes: 0 };
    const fetch = (wanted: Wanted, token?: string) =>
      receive(order, { ...streams, wanted, ...(token === undefined ? {} : { token }) }, ports, run, come);
    here = await followed(order, here, basedOn(there, streams.format), ports, run);
    here = await finished(order, here, ports, run, fetch);
    if (here?.newest !== input.to.guid) {
      await prune(order, here, ports, run);
      const from = here?.newest;
      await fetch({ ...(from === undefined ? {} : { from }), to: input.to });
    }
    // Not worth a failure: what is protected too long is let go with the next stream.
    run.afterwards((signal) => ports.sources.confirm(asked(order), input.to.guid, signal));
    run.fence();
    return {
      name: 'report-replica-synced',
      // Files are never compressed: should it begin anew with other streams, that is decided then.
      input: {
        ...{ replica: replicaOf(subject), visit, bytes: come.bytes },
        ...(streams.format === 'tree' ? {} : { compressed: streams.compressed }),
      },
    };
  },

  'resync-replica': async (order, ports, run) => {
    const { subject, visit, input } = order;
    const of = intoOf(order);
    const aside: Dataset = { pool: of.pool, name: input.aside };
    run.fence();
    const here = await ports.replication.bases(of, run);
    // Also when the lab believes that both have it: what was destroyed at the volume's end is nothing to go on from.
    const there = await ports.sources.look(asked(order), run.signal);
    const own = await ports.replication.abilities(input.pool, run);
    // Of what is kept in a way that the volume cannot be sent in any more, nothing can be gone on from.
    const format = formatBetween(there.abilities, own, here);
    const sendable = new Set(format === undefined ? [] : basedOn(there, format).bases.map(({ guid }) => guid));
    const onLine = input.snapshots.filter(({ guid, isOnLine }) => isOnLine && sendable.has(guid));
    const common = here?.role === 'replica' ? newestIn(here, new Set(onLine.map(({ guid }) => guid))) : undefined;
    run.fence();
    if (common !== undefined) {
      const { epoch, lineage } = input;
      await ports.replication.setAside(of, { epoch, lineage, common, as: aside.name }, run);
    } else if (here && input.keep) await ports.replication.promote(of, input.epoch, input.spec, run);
    else if (here) await discard(order, here, ports, run);
    const left = common === undefined ? of : aside;
    let found = here && (common !== undefined || input.keep) ? await ports.volumes.inspect(left, run) : undefined;
    if (found && !input.keep) {
      run.fence();
      await ports.volumes.destroy(left, { scrub: false }, run);
      found = undefined;
    }
    return {
      name: 'report-replica-resynced',
      input: {
        replica: replicaOf(subject),
        visit,
        newest: common ?? null,
        ...(found ? { aside: { path: found.path } } : {}),
      },
    };
  },

  'remove-replica': async (order, ports, run) => {
    const { subject, visit } = order;
    run.fence();
    const here = await ports.replication.bases(intoOf(order), run);
    refuseVolume(here, order);
    if (here) await discard(order, here, ports, run);
    // Where its volume is gone, or out of reach, there is nobody to tell: its node finds out by its own lab.
    await ports.sources.confirm(asked(order), null, run.signal).catch(() => undefined);
    return { name: 'report-replica-removed', input: { replica: replicaOf(subject), visit } };
  },
};

export const replicaFailures: Pick<Failures, ReplicaWork> = {
  'sync-replica': ({ subject, visit }, { problem }) => ({
    name: 'report-replica-sync-failed',
    input: { replica: replicaOf(subject), visit, problem },
  }),
  'resync-replica': ({ subject, visit }, { problem }) => ({
    name: 'report-replica-resync-failed',
    input: { replica: replicaOf(subject), visit, problem },
  }),
  'remove-replica': null,
};

/** Of a stream the longest silence: the other end may look for what is different for long before it says a word. */
export const replicaTimeoutsMs: Readonly<Record<ReplicaWork, number>> = {
  'sync-replica': 600_000,
  'resync-replica': 600_000,
  'remove-replica': 600_000,
};

/** What has come, of all streams of this attempt. */
interface Come {
  bytes: number;
}

interface Streams {
  readonly format: StreamFormat;
  readonly fractions: boolean;
  readonly compressed: boolean;
}

interface Fetching extends Streams {
  readonly wanted: Wanted;
  readonly token?: string;
}

/** @throws IoError UNSUPPORTED */
async function streamsOf(
  { input }: WorkOrder<'sync-replica'>,
  here: Bases | undefined,
  { there, own }: { readonly there: SourceLook; readonly own: StreamAbilities },
  { replication }: Ports,
  run: Run,
): Promise<Streams> {
  const format = formatBetween(there.abilities, own, here);
  if (format === undefined)
    throw new IoError('UNSUPPORTED', {
      op: 'sync',
      target: input.dataset,
      message: `It was begun by ${describeFormat(own.format)}, and what its volume is on now cannot send such.`,
      hint: 'Nothing was touched. Let it begin anew: put aside what it has (floatlab replica resync REPLICA --keep), or give it up (--discard).',
    });
  if (format !== 'tree') {
    const compressed = input.compressed ?? (there.abilities.compressed && own.compressed);
    return { format, fractions: false, compressed };
  }
  const { fractions = false } = await replication.abilities(input.pool, run, 'tree');
  return { format, fractions, compressed: false };
}

/** Of a bookmark there are no files. */
const basedOn = (there: SourceLook, format: StreamFormat): SourceLook =>
  format === 'tree' ? { ...there, bases: there.bases.filter(({ kind }) => kind === 'snapshot') } : there;

async function receive(
  order: WorkOrder<'sync-replica'>,
  { format, fractions, wanted, compressed, token }: Fetching,
  { replication, sources }: Ports,
  run: Run,
  come: Come,
): Promise<void> {
  const { epoch, lineage, compress } = order.input;
  const { from, to } = wanted;
  const wish = {
    ...(from === undefined ? {} : { from }),
    ...{ to: to.guid, format, fractions, compressed, squeeze: compress },
    ...(token === undefined ? {} : { token }),
  };
  run.fence();
  const into = intoOf(order);
  // Also one that nobody has begun to read ends with this.
  const left = new AbortController();
  const sent = counted(begun(sources.stream(asked(order), wish, AbortSignal.any([run.signal, left.signal]))), come);
  try {
    await replication.receive(into, { format, epoch, lineage, ...wanted }, compress ? unsqueezed(sent) : sent, {
      ...run,
      progress: () => run.progress({ text: `received ${formatSize(come.bytes)}`, done: come.bytes }),
    });
  } finally {
    left.abort();
  }
}

async function* counted(bytes: AsyncIterable<Uint8Array>, come: Come): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    come.bytes += chunk.length;
    yield chunk;
  }
}

/**
 * The last common snapshot is the content of the replica, or nothing is done. One whose volume went back to it, or to
 * what came after it, goes on from there in the new line.
 * @throws IoError DIVERGED
 */
async function followed(
  order: WorkOrder<'sync-replica'>,
  here: Bases | undefined,
  there: SourceLook,
  { replication }: Ports,
  run: Run,
): Promise<Bases | undefined> {
  const { input } = order;
  const newest = here?.newest;
  if (here === undefined || newest === undefined || newest === input.to.guid) return here;
  const isThere = there.bases.some(({ guid }) => guid === newest);
  const isOnLine = input.snapshots.some(({ guid, isOnLine: on }) => guid === newest && on);
  const isSameLine = here.lineage === input.lineage;
  // Of what the lab has forgotten, a bookmark may be left at the source: in the same line it is good.
  if (isThere && (isOnLine || isSameLine)) {
    if (isSameLine) return here;
    run.fence();
    const { epoch, lineage } = input;
    await replication.setAside(intoOf(order), { epoch, lineage, common: newest, as: `${input.dataset}-line` }, run);
    return replication.bases(intoOf(order), run);
  }
  throw new IoError('DIVERGED', {
    op: 'sync',
    target: input.dataset,
    message: isThere
      ? 'It holds a snapshot that its volume has gone back past.'
      : 'It holds a snapshot that its volume does not have: the two have nothing in common to go on from.',
    hint: 'Nothing was touched. Put aside what it has (floatlab replica resync REPLICA --keep), or give it up (--discard).',
  });
}

/** A stream that was interrupted goes on where it ended, as long as its sender still has what it needs for that. */
async function finished(
  order: WorkOrder<'sync-replica'>,
  here: Bases | undefined,
  { replication }: Ports,
  run: Run,
  fetch: (wanted: Wanted, token: string) => Promise<void>,
): Promise<Bases | undefined> {
  const begun = here?.resume;
  if (!begun) return here;
  const { token, ...wanted } = begun;
  if (order.input.snapshots.some(({ guid }) => guid === wanted.to.guid)) {
    try {
      await fetch(wanted, token);
      return await replication.bases(intoOf(order), run);
    } catch (error) {
      const { code } = asIoError(error, 'receive', order.input.dataset);
      if (code !== 'TOKEN_DEAD' && code !== 'MISSING') throw error;
    }
  }
  run.fence();
  await replication.abandon(intoOf(order), run);
  return replication.bases(intoOf(order), run);
}

/** What the lab has removed from the volume goes here, too. */
async function prune(
  order: WorkOrder<'sync-replica'>,
  here: Bases | undefined,
  { replication }: Ports,
  run: Run,
): Promise<void> {
  const kept = new Set(order.input.snapshots.map(({ guid }) => guid));
  const gone = (here?.all ?? []).filter(
    ({ kind, guid }) => kind === 'snapshot' && guid !== here?.newest && !kept.has(guid),
  );
  await letGo(order, gone, replication, run);
  if (gone.length === 0) return;
  run.fence();
  await replication.removeSnapshots(
    intoOf(order),
    gone.map(({ name }) => name),
    run,
  );
}

/** Nobody stands on a replica: what is protected for others is left from when it was the volume. */
async function letGo(order: Order, bases: Bases['all'], replication: Ports['replication'], run: Run): Promise<void> {
  for (const peer of new Set(bases.flatMap(({ peers }) => peers))) {
    run.fence();
    await replication.unprotect(intoOf(order), peer, [], run);
  }
}

/** A higher epoch than the order's may have come by: what the lab removes is removed all the same. */
async function discard(order: Order, here: Bases, { replication }: Ports, run: Run): Promise<void> {
  const { epoch } = order.input;
  await letGo(order, here.all, replication, run);
  run.fence();
  const seen = here.epoch;
  await replication.discard(intoOf(order), seen && compareEpochs(seen, epoch) > 0 ? seen : epoch, run);
}

const newestIn = ({ all }: Bases, guids: ReadonlySet<string>): string | undefined =>
  all.findLast(({ kind, guid }) => kind === 'snapshot' && guids.has(guid))?.guid;

/** @throws IoError EXISTS */
function refuseVolume(here: Bases | undefined, { input }: Order): void {
  if (here?.role !== 'volume') return;
  throw new IoError('EXISTS', {
    op: 'sync',
    target: input.dataset,
    message: `What should be the replica ${input.dataset} is a volume there: nothing was touched.`,
    hint: 'Remove the replica, and make another one.',
  });
}
