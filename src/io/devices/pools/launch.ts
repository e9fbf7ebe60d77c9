/**
 * Starts a program that goes on in the background after it has answered, as `btrfs scrub start` does. What it leaves
 * behind must not hold our ends of pipes, nor die with them: it gets a file instead, which has no name any more.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IoError } from '../error.ts';
import type { Ran, RunCommand } from '../run.ts';

/** Same arguments, errors and environment as `run`; what the program says after its first process has ended is lost. */
export const launch: RunCommand = async (file, args, options) => {
  const target = options.target ?? args.at(-1) ?? file;
  const op = [file, ...args.slice(0, 2)].join(' ');
  const fail = (code: 'ABORTED' | 'TIMED_OUT' | 'FAILED', message: string, cause?: unknown) =>
    new IoError(code, { op, target, message, cause });
  if (options.signal.aborted) throw fail('ABORTED', `${op} of ${target} was cancelled`);
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-said-'));
  const said = await open(join(folder, 'said'), 'w+', 0o600);
  await rm(folder, { recursive: true });
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      const child = spawn(file, args, {
        cwd: '/',
        detached: true,
        env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C', TZ: 'UTC', HOME: '/' },
        stdio: ['ignore', said.fd, said.fd],
      });
      const end = (error: IoError) => {
        child.kill();
        settle(() => reject(error));
      };
      const onAbort = () => end(fail('ABORTED', `${op} of ${target} was cancelled`));
      const timer = setTimeout(
        () => end(fail('TIMED_OUT', `${op} of ${target} did not end in time`)),
        Math.min(options.timeoutMs, longestTimerMs),
      );
      const settle = (then: () => void) => {
        clearTimeout(timer);
        options.signal.removeEventListener('abort', onAbort);
        then();
      };
      options.signal.addEventListener('abort', onAbort, { once: true });
      child.once('error', (error) =>
        settle(() => reject(fail('FAILED', `${op} of ${target} failed: ${error.message}`, error))),
      );
      child.once('exit', (code, signal) =>
        settle(() => {
          if (code === null) reject(fail('FAILED', `${op} of ${target} was ended by ${signal}`));
          else resolve(code);
        }),
      );
    });
    const { buffer, bytesRead } = await said.read(Buffer.alloc(16_384), 0, 16_384, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    return { stdout: text, stderr: text, exitCode } satisfies Ran;
  } finally {
    await said.close();
  }
};

const longestTimerMs = 2 ** 31 - 1;
