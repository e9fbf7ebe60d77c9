/** Operations: what they are called, and waiting until one has ended. */
import { ApiError, UnreachableError } from '#ui/client/errors.ts';
import type { OperationRow } from '#projections/operations.ts';
import type { Cli, Lab } from './cli.ts';
import { CliError, interrupted } from './errors.ts';
import { tookWords } from './output/words.ts';

/** `operation:7kq2…` → `op-7kq2wxyz`, as the lab calls it too. */
export const shortName = (id: string): string => `op-${id.replace(/^operation:/, '').slice(0, 8)}`;

/** @param text `op-7kq2wxyz`, `operation:…` or the id alone */
export const operationId = async (lab: Lab, text: string): Promise<string> =>
  text.startsWith('operation:') ? text : (await lab.rest.show('operations', { id: text })).id;

interface Waiting {
  /** The lab does not answer. */
  readonly onSilence?: (reason: string) => void;
  /** The lab says why the operation does not go on: once for each reason. */
  readonly onWaits?: (reason: string) => void;
}

/**
 * Waits until the operation has ended, through restarts of the daemon too: it goes on without anybody who watches.
 * @throws CliError TIMED_OUT, INTERRUPTED
 */
export async function waitFor(
  cli: Cli,
  lab: Lab,
  id: string,
  timeoutMs: number,
  waiting: Waiting = {},
): Promise<OperationRow> {
  const done = new AbortController();
  void tellReasons(lab, id, done.signal, waiting);
  try {
    return await ending(cli, lab, id, timeoutMs, waiting);
  } finally {
    done.abort();
  }
}

async function ending(
  cli: Cli,
  lab: Lab,
  id: string,
  timeoutMs: number,
  { onSilence = () => undefined }: Waiting,
): Promise<OperationRow> {
  const { interrupt } = cli.world;
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, 2 ** 31 - 1));
  const signal = AbortSignal.any([interrupt, timeout]);
  const later = `floatlab operation wait ${shortName(id)}`;
  for (;;) {
    try {
      return await lab.rest.waitOperation(id, { signal });
    } catch (error) {
      if (interrupt.aborted) {
        cli.print.talk(`${shortName(id)} goes on without you: ${later}`);
        throw interrupted();
      }
      if (timeout.aborted) {
        const reason = await reasonOf(lab, id, AbortSignal.timeout(askMs));
        const why = reason === undefined ? '' : ` It waits: ${reason}`;
        throw new CliError('TIMED_OUT', 7, `${shortName(id)} still runs after ${tookWords(timeoutMs)}.${why}`, later);
      }
      if (!isPassing(error)) throw error;
      onSilence(error instanceof Error ? error.message : '');
      await pause(1000, signal);
    }
  }
}

/** Most operations have ended by then. */
const firstLookMs = 2000;
const lookMs = 5000;
const askMs = 3000;

async function tellReasons(
  lab: Lab,
  id: string,
  done: AbortSignal,
  { onWaits = () => undefined }: Waiting,
): Promise<void> {
  let told: string | undefined;
  for (let ms = firstLookMs; ; ms = lookMs) {
    await pause(ms, done);
    if (done.aborted) return;
    const reason = await reasonOf(lab, id, done);
    if (done.aborted || reason === undefined || reason === told) continue;
    told = reason;
    onWaits(reason);
  }
}

/** Why it does not go on, as far as the lab says so; whether it answers is seen by who waits for the end. */
const reasonOf = async (lab: Lab, id: string, signal: AbortSignal): Promise<string | undefined> => {
  const row = await lab.rest.show('operations', { id }, { signal }).catch(() => undefined);
  return row?.waits?.message;
};

/** The lab does not answer now, and may in a moment. */
export const isPassing = (error: unknown): boolean =>
  error instanceof UnreachableError || (error instanceof ApiError && error.kind === 'unavailable');

/** Shorter when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** What became of it, as an error when it failed. */
export function failure(row: OperationRow): CliError | undefined {
  if (row.state !== 'failed') return undefined;
  const { code, message, hint } = row.problem ?? {
    code: 'FAILED',
    message: `${row.command} of ${row.targetName} failed.`,
  };
  return new CliError(code, 1, message, hint);
}
