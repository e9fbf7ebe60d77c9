/** A command in a simulated container. */
import { type Clock, sleep } from '../../clock/port.ts';
import { engineError } from '../errors.ts';
import type { Frame } from '../frames.ts';
import type { ExecOptions, ExecSession } from '../port.ts';
import { Queue } from '../queue.ts';
import { cancelled } from '../within.ts';
import type { SimContainer } from './container.ts';
import { missingProgram, stepsOf } from './program.ts';

const killed = 137;
const notFound = 126;
const heldWrites = 16;

/** @param outage aborts when the engine goes away */
export function simExec(
  clock: Clock,
  container: SimContainer,
  options: ExecOptions,
  outage: AbortSignal,
  cancel: AbortSignal,
): ExecSession {
  const about = { op: 'docker exec', target: container.id };
  const output = new Queue<Frame>();
  const input = new Queue<Uint8Array>();
  const ending = new AbortController();
  const end = () => ending.abort();
  const signals = [outage, cancel, container.ending];
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  if (signals.some((signal) => signal.aborted)) end();
  ending.signal.addEventListener('abort', () => input.end(), { once: true });

  const exitCode = run().finally(() => {
    for (const signal of signals) signal.removeEventListener('abort', end);
  });
  // Whoever only reads the output need not look at the exit code.
  exitCode.catch(() => {});

  async function run(): Promise<number> {
    let code = 0;
    if (options.command[0] === missingProgram) {
      code = notFound;
      say(`exec: "${missingProgram}": executable file not found in $PATH`, 'stdout');
    } else
      for (const step of stepsOf(options.command, 'exec')) {
        if ('say' in step) say(step.say, step.stream);
        else if ('waitMs' in step) await sleep(clock, step.waitMs, ending.signal);
        else if ('repeat' in step) for await (const bytes of input) output.push({ stream: 'stdout', bytes });
        else code = step.exit;
        if (ending.signal.aborted) break;
      }
    if (outage.aborted) {
      const failure = engineError(about, { status: undefined, errno: 'ECONNRESET', message: 'the engine went away' });
      output.fail(failure);
      throw failure;
    }
    output.end();
    if (container.ending.aborted) return killed;
    if (ending.signal.aborted) throw cancelled(about);
    return code;
  }

  function say(text: string, stream: Frame['stream']): void {
    output.push({ stream: options.tty ? 'stdout' : stream, bytes: new TextEncoder().encode(`${text}\n`) });
  }

  return {
    output,
    exitCode,
    // As much as the sockets of a real engine hold is taken at once.
    write: (bytes) => {
      input.push(bytes);
      return input.waiting > heldWrites ? input.drained() : Promise.resolve();
    },
    endInput: () => input.end(),
    resize: () => Promise.resolve(),
    close: end,
  };
}
