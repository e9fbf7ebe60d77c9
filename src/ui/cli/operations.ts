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

/**
 * Waits until the operation has ended, through restarts of the daemon too: it goes on without anybody who watches.
 * @throws CliError TIMED_OUT, INTERRUPTED
 */
export async function waitFor(
  cli: Cli,
  lab: Lab,
  id: string,
  timeoutMs: number,
  onSilence: (reason: string) => void = () => undefined,
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
        throw new CliError('TIMED_OUT', 7, `${shortName(id)} still runs after ${tookWords(timeoutMs)}.`, later);
      }
      if (!isPassing(error)) throw error;
      onSilence(error instanceof Error ? error.message : '');
      await pause(1000, signal);
    }
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof UnreachableError || (error instanceof ApiError && error.kind === 'unavailable');

function pause(ms: number, signal: AbortSignal): Promise<void> {
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
