/**
 * Commands of an app around a snapshot: a database writes to its files what it has in memory, and waits meanwhile.
 *
 * `after` runs whenever `before` has begun, however that ended: nobody leaves a database waiting. When the daemon dies
 * in between, the work is done again from the start, so both must bear to run twice.
 */
import { idOf, type StreamId } from '#events/envelope.ts';
import type { HookOutcome, HookOutcomes } from '#events/snapshot.ts';
import type { SnapshotHook } from '#events/values/snapshotting.ts';
import type { HooksInput } from '#actors/work.ts';
import type { Call } from '../devices/call.ts';
import { sleep } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { findContainers } from './containers/find.ts';
import { label } from './containers/labels.ts';
import type { Ports } from './worker.ts';

type HookPorts = Pick<Ports, 'docker' | 'clock'>;

/**
 * Runs `body` between the commands.
 * @returns what the body gave, and how the commands ended; undefined where there are none
 * @throws IoError HOOK_FAILED when a command before failed that must not; whatever `body` rejects with
 */
export async function withHooks<T>(
  all: readonly HooksInput[],
  ports: HookPorts,
  call: Call,
  body: () => Promise<T>,
): Promise<{ readonly result: T; readonly hooks: HookOutcomes | undefined }> {
  const before: HookOutcome[] = [];
  const after: HookOutcome[] = [];
  const begun: HooksInput[] = [];
  const finish = async (): Promise<void> => {
    for (const hooks of begun.splice(0).toReversed())
      if (hooks.after) after.push(await runHook(hooks.instance, hooks.after, ports, { ...call, signal: untilDone() }));
  };
  let result: T;
  try {
    for (const hooks of all) {
      begun.push(hooks);
      if (!hooks.before) continue;
      call.progress({ text: `hook before, in ${hooks.before.service}` });
      const outcome = await runHook(hooks.instance, hooks.before, ports, call);
      before.push(outcome);
      if (hooks.onFailure === 'skip' && hasFailed(outcome)) throw hookFailed(outcome, hooks.before);
    }
    result = await body();
  } catch (error) {
    // What went wrong first is what is told; an engine that went away has nobody waiting in it either.
    await finish().catch(() => {});
    throw error;
  }
  await finish();
  const [told, toldAfter] = [worstOf(before), worstOf(after)];
  if (!told && !toldAfter) return { result, hooks: undefined };
  return { result, hooks: { ...(told ? { before: told } : {}), ...(toldAfter ? { after: toldAfter } : {}) } };
}

/** Whoever waits for `after` must be told, although the work itself is not wanted any more: only its time bounds it. */
const untilDone = (): AbortSignal => new AbortController().signal;

const hasFailed = ({ ended }: HookOutcome): boolean => ended === 'failed' || ended === 'timed-out';

const worstOf = (outcomes: readonly HookOutcome[]): HookOutcome | undefined =>
  outcomes.find(hasFailed) ?? outcomes.find(({ ended }) => ended === 'not-running') ?? outcomes[0];

function hookFailed({ ended, exitCode, service }: HookOutcome, { timeoutMs }: SnapshotHook): IoError {
  const how = ended === 'timed-out' ? `did not end within ${timeoutMs / 1000} s` : `ended with exit code ${exitCode}`;
  return new IoError('HOOK_FAILED', {
    op: 'take-snapshot',
    target: service,
    message: `The command before the snapshot, in service ${service}, ${how}: no snapshot was taken.`,
    hint: 'Run it by hand to see what it says (floatlab exec APP SERVICE -- COMMAND), or let on-failure be take-anyway.',
  });
}

/** @throws IoError when the engine does not answer */
async function runHook(
  instance: StreamId<'instance'> | null,
  hook: SnapshotHook,
  { docker, clock }: HookPorts,
  call: Call,
): Promise<HookOutcome> {
  const { service, command, timeoutMs } = hook;
  const startedMs = clock.monotonicMs();
  const ended = (how: HookOutcome['ended'], more: Pick<HookOutcome, 'exitCode'> = {}): HookOutcome => ({
    ended: how,
    service,
    tookMs: Math.round(clock.monotonicMs() - startedMs),
    ...more,
  });
  if (instance === null) return ended('not-running');
  const found = await findContainers(docker, { [label.instance]: idOf(instance), [label.service]: service }, call);
  const container = found.find(({ state }) => state === 'running');
  if (!container) return ended('not-running');
  const over = new AbortController();
  try {
    const session = await docker.exec(container.id, { command, tty: false }, { ...call, timeoutMs });
    session.endInput();
    const isDone = drained(session.output).then(() => session.exitCode);
    const late = sleep(clock, timeoutMs, over.signal).then(() => undefined);
    const exitCode = await Promise.race([isDone, late]);
    if (exitCode !== undefined) return ended(exitCode === 0 ? 'done' : 'failed', { exitCode });
    isDone.catch(() => {});
    session.close('kill');
    return ended('timed-out');
  } catch (error) {
    // It has stopped in this very moment: there is nobody to tell.
    if (error instanceof IoError && ['MISSING', 'CONTAINER_FAILED'].includes(error.code)) return ended('not-running');
    if (error instanceof IoError && error.code === 'TIMED_OUT') return ended('timed-out');
    throw error;
  } finally {
    over.abort();
  }
}

/** What it says is for whoever runs it by hand: a history that everybody reads is no place for it. */
async function drained(output: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of output);
}
