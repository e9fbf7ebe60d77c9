/** Short commands of the system, which nobody waits for long or cancels. */
import { IoError } from '../../error.ts';
import { type Ran, run } from '../../run.ts';

const timeoutMs = 10_000;

/** Its exit code is the caller's business: most commands here undo what may not be there. */
export const tool = (file: string, ...args: string[]): Promise<Ran> =>
  run(file, args, { signal: new AbortController().signal, timeoutMs, target: args.at(-1) ?? file });

/** @throws FAILED unless it exits with 0 */
export async function must(file: string, ...args: string[]): Promise<Ran> {
  const ran = await tool(file, ...args);
  if (ran.exitCode === 0) return ran;
  const op = [file, ...args].join(' ');
  throw new IoError('FAILED', { op, target: file, message: `${op} failed: ${ran.stderr.trim()}` });
}
