/**
 * Rolling a volume back. The port does it as a whole or not at all; what an error says of it is nothing, because it may
 * come from before and from after the moment that decides. So the node looks: whatever was begun is settled by then, and
 * the present has been kept under the name of the stash, or has not. Only what was seen is told as "nothing happened".
 */
import type { Command } from '#actors/commands.ts';
import type { StreamId } from '#events/envelope.ts';
import type { WorkOrder } from '#actors/work.ts';
import { asIoError, IoError, type IoErrorCode } from '../../devices/error.ts';
import type { SnapInfo } from '../../devices/volumes/port.ts';
import { lacksMajority } from '../endings.ts';
import type { Failures, Ports, Run, Workers } from '../worker.ts';

type Order = WorkOrder<'rollback-dataset'>;

/** A roll-back of which nothing has happened, as was seen afterwards: the volume holds what it held, and can be written. */
class Untouched extends IoError {
  /** Whether the snapshot to go back to is not there any more. */
  readonly isGone: boolean;

  constructor({ code, op, target, message, hint }: IoError, isGone: boolean) {
    super(code, { op, target, message, ...(hint === undefined ? {} : { hint }) });
    this.isGone = isGone;
  }
}

/**
 * Errors that the file system has answered with. The others say that nobody has heard its answer: what it was told to do
 * may still happen after any look.
 */
const answered: ReadonlySet<IoErrorCode> = new Set<IoErrorCode>([
  'MISSING',
  'INVALID',
  'BUSY',
  'HELD',
  'NO_SPACE',
  'PERMISSION',
  'UNSUPPORTED',
  'FAILED',
]);

export const rollbackWorkers: Pick<Workers, 'rollback-dataset'> = {
  'rollback-dataset': async (order, ports, run) => {
    // It may have been given up since, and what was written after that would be put aside, where this node has just been
    // started and knows an old lab only.
    await run.caughtUp();
    run.fence();
    if (order.input.isCanceled) return settled(order, ports, run);
    try {
      return rolledBack(order, await rollBack(order, ports, run));
    } catch (thrown) {
      const error = asIoError(thrown, 'rollback', order.input.dataset);
      if (run.signal.aborted || !answered.has(error.code)) throw error;
      // What cannot be told is not concluded.
      const seen = await look(order, ports, run).catch(() => undefined);
      throw seen && !seen.happened ? new Untouched(error, seen.isGone) : error;
    }
  },
};

/** Nobody wants it any more: it is as far as it is. */
async function settled(order: Order, ports: Ports, run: Run): Promise<Command> {
  const { happened, isGone } = await look(order, ports, run);
  // With the stash there, a repetition finds that it was done, and does nothing.
  if (happened) return rolledBack(order, await rollBack(order, ports, run));
  const problem = { code: 'CANCELED', message: 'The roll-back was canceled.' };
  return notRolledBack(order, problem, isGone);
}

const rollBack = ({ input: { pool, dataset, to, stash } }: Order, { volumes }: Ports, run: Run): Promise<SnapInfo> =>
  volumes.rollback({ pool, name: dataset }, to, stash, run);

/** What has become of it. @throws IoError when that cannot be told, or the volume cannot be written */
async function look(
  { input: { pool, dataset, to, stash } }: Order,
  { volumes, content }: Ports,
  run: Run,
): Promise<{ readonly happened: boolean; readonly isGone: boolean }> {
  const of = { pool, name: dataset };
  const { path } = await volumes.mount(of, run);
  // A pool that cannot be written has settled nothing.
  if ((await content.reach(path, run)) !== 'writable') {
    throw new IoError('READ_ONLY', {
      op: 'look',
      target: `${pool}/${dataset}`,
      message: `${path} cannot be written to: nobody can tell what became of the roll-back`,
      hint: 'Mount its file system so that it can be written to, and try again.',
    });
  }
  const names = new Set((await volumes.snapshots(of, run)).map(({ name }) => name));
  return { happened: names.has(stash), isGone: !names.has(to) };
}

const rolledBack = ({ subject, visit }: Order, { name, guid, createdAt }: SnapInfo): Command => ({
  name: 'report-volume-rolled-back',
  input: { volume: subject as StreamId<'volume'>, visit, stash: { name, guid, takenAt: createdAt } },
});

const notRolledBack = ({ subject, visit }: Order, problem: IoError['problem'], isGone: boolean): Command => ({
  name: 'report-volume-rollback-failed',
  input: { volume: subject as StreamId<'volume'>, visit, problem, isGone },
});

export const rollbackFailures: Pick<Failures, 'rollback-dataset'> = {
  'rollback-dataset': (order, error) => {
    if (lacksMajority(error)) return undefined;
    if (error instanceof Untouched) return notRolledBack(order, error.problem, error.isGone);
    const { subject, visit } = order;
    return {
      name: 'report-volume-failed',
      input: { volume: subject as StreamId<'volume'>, visit, problem: error.problem },
    };
  },
};
