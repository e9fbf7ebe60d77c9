/** A benchmark as a program: what it made is undone when it ends, when something failed, and when somebody presses ^C. */
import '../../bin/v8.js';

const undo: (() => Promise<unknown>)[] = [];

/** To be done at the end; what was said last, first. */
export const atEnd = (work: () => Promise<unknown>): void => void undo.push(work);

async function cleanUp(): Promise<void> {
  for (let next = undo.pop(); next; next = undo.pop()) await next();
}

export async function runBenchmark(run: () => Promise<void>): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void cleanUp().finally(() => process.exit(130));
    });
  }
  try {
    await run();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  } finally {
    await cleanUp();
  }
}
