/**
 * Runs a program of the system and waits for it.
 *
 * Arguments are an array and go to the program as they are: no shell reads them, so no name or path is ever
 * interpreted. The child sees a small fixed environment: the C locale and UTC, so that its output can be parsed.
 * It can always be ended: an abort or a time-out sends SIGTERM, two seconds later SIGKILL. A child that survives even
 * that (it waits for a disk that is gone) is left behind, and the call rejects. A child that changes something may be
 * given some grace before: a request that it has made of a file system in user space would be fulfilled all the same,
 * after whoever asked has looked what is there.
 *
 * A program that ends with a code other than 0 is an answer, not an exception: only its caller knows what it means.
 */
import { execa } from 'execa';
import type { Call } from './call.ts';
import { IoError } from './error.ts';

export interface RunOptions extends Pick<Call, 'signal' | 'timeoutMs'> {
  /** What the command works on, for messages: a dataset, an image. */
  readonly target?: string;
  /** More than this on one of its outputs ends the child. Default: 16 MiB. */
  readonly maxOutputBytes?: number;
  /** How long it may go on by itself after an abort or its time, milliseconds. Default: 0. */
  readonly graceMs?: number;
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** @throws IoError ABORTED, TIMED_OUT (what it did by then is unknown), FAILED (not installed, killed, said too much) */
export type RunCommand = (file: string, args: readonly string[], options: RunOptions) => Promise<Ran>;

const forceKillAfterMs = 2000;
const giveUpAfterMs = forceKillAfterMs + 1000;
const longestTimerMs = 2 ** 31 - 1;

/** Tools of the system are often not on the path of a service. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

export const run: RunCommand = async (file, args, options) => {
  const op = [file, ...args.slice(0, 2).filter((arg) => /^[a-z-]+$/.test(arg))].join(' ');
  const target = options.target ?? args.at(-1) ?? file;
  const failed = (code: 'ABORTED' | 'TIMED_OUT' | 'FAILED', message: string, hint?: string, cause?: unknown) =>
    new IoError(code, { op, target, message, ...(hint === undefined ? {} : { hint }), cause });

  const aborted = () => failed('ABORTED', `${op} on ${target} was cancelled`);
  const timedOut = () => failed('TIMED_OUT', `${op} on ${target} did not end in time`);
  if (options.signal.aborted) throw aborted();
  if (options.timeoutMs <= 0) throw timedOut();

  const graceMs = options.graceMs ?? 0;
  const late = afterGrace(options.signal, graceMs);
  const child = execa(file, args, {
    cancelSignal: late.signal,
    timeout: Math.min(Math.max(1, Math.ceil(options.timeoutMs)) + graceMs, longestTimerMs),
    forceKillAfterDelay: forceKillAfterMs,
    maxBuffer: options.maxOutputBytes ?? 16 * 2 ** 20,
    stdin: 'ignore',
    cwd: '/',
    extendEnv: false,
    env: environment(),
    reject: false,
  });
  const result = await orGiveUp(child, options).finally(late.forget);
  if (result === undefined) throw options.signal.aborted ? aborted() : timedOut();
  if (result.isCanceled) throw aborted();
  if (result.timedOut) throw timedOut();
  if (result.isMaxBuffer) throw failed('FAILED', `${op} on ${target} said more than expected and was ended`);
  if (result.code === 'ENOENT') {
    throw failed('FAILED', `the program ${file} is not installed`, `Install the package that contains ${file}.`);
  }
  if (result.exitCode === undefined) {
    const why = result.signal === undefined ? result.shortMessage : `it was ended by ${result.signal}`;
    throw failed('FAILED', `${op} on ${target} failed: ${why}`, undefined, result.cause);
  }
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
};

/** An abort that comes later than the one that it stands for. */
function afterGrace(signal: AbortSignal, graceMs: number): { signal: AbortSignal; forget: () => void } {
  if (graceMs === 0) return { signal, forget: () => undefined };
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = () => {
    timer = setTimeout(() => late.abort(), graceMs);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const forget = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return { signal: late.signal, forget };
}

/** What a child sees. */
export const environment = () => ({ PATH: searchPath(), LC_ALL: 'C', TZ: 'UTC', HOME: '/' });

function searchPath(): string {
  const own = (process.env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return [...new Set([...own, ...systemFolders])].join(':');
}

/** @returns what the child resolves to, or undefined when it outlives its end by far */
async function orGiveUp<T>(child: Promise<T>, options: RunOptions): Promise<T | undefined> {
  const lastMs = (options.graceMs ?? 0) + giveUpAfterMs;
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  const endless = new Promise<undefined>((resolve) => {
    giveUp = () => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve(undefined), lastMs);
    };
    timer = setTimeout(() => resolve(undefined), Math.min(options.timeoutMs + lastMs, longestTimerMs));
    options.signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([child, endless]);
  } finally {
    clearTimeout(timer);
    if (giveUp) options.signal.removeEventListener('abort', giveUp);
  }
}
