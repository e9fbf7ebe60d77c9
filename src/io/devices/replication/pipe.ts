/**
 * A program of the system at one end of a stream. As with `run.ts`: arguments are an array and no shell reads them, the
 * environment is small and fixed, and the child can always be ended.
 *
 * A stream may take days, so there is no time-out for the whole. What has one is silence: how long the child may say
 * nothing, or take nothing, while we wait for it. Time in which it waits for us does not count.
 */
import { execa } from 'execa';
import { IoError } from '../error.ts';
import type { Ran } from '../run.ts';
import { environment } from '../run.ts';
import { gather } from './gather.ts';
import { patience } from './patience.ts';

export interface PipeOptions {
  /** For messages. */
  readonly target: string;
  readonly signal: AbortSignal;
  readonly silenceMs: number;
}

/** A child whose standard output is the stream. */
export interface Reading {
  /** Ends without an error when the output does, whatever the exit code. @throws IoError ABORTED, TIMED_OUT */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** How it ended; waits for that. */
  outcome(): Promise<Ran>;
  /** Ends the child. Resolves once it is gone, or is known not to go. */
  kill(): Promise<void>;
}

/** A child whose standard input is the stream. */
export interface Writing {
  /** Resolves when there is room for more. @returns whether the child still reads @throws IoError ABORTED, TIMED_OUT */
  write(piece: Uint8Array): Promise<boolean>;
  /** The stream is whole. Waits for the child. @throws IoError ABORTED, TIMED_OUT */
  finish(): Promise<Ran>;
  kill(): Promise<void>;
}

export interface Pipes {
  read(file: string, args: readonly string[], options: PipeOptions): Reading;
  write(file: string, args: readonly string[], options: PipeOptions): Writing;
}

/** The stream of a child, whole or with the error that the child ended with. It is gone when this ends, however that is. */
export async function* streamOf(child: Reading, failed: (ran: Ran) => IoError): AsyncGenerator<Uint8Array> {
  try {
    yield* child.pieces;
    const ran = await child.outcome();
    if (ran.exitCode !== 0) throw failed(ran);
  } finally {
    await child.kill();
  }
}

const forceKillAfterMs = 2000;
const giveUpAfterMs = forceKillAfterMs + 1000;
/** What a child may say besides its stream. */
const maxWords = 65_536;

export const pipes: Pipes = {
  read(file, args, options) {
    const child = start(file, args, ['ignore', 'pipe', 'pipe']);
    const end = ending(child, file, options);
    const { stdout } = child;
    return {
      pieces: (async function* () {
        if (!stdout) return;
        const gathered = gather(stdout);
        for (;;) {
          const piece = await end.within(gathered.next());
          if (piece === undefined) return;
          yield piece;
        }
      })(),
      outcome: () => end.within(end.ran),
      kill: end.kill,
    };
  },

  write(file, args, options) {
    const child = start(file, args, ['pipe', 'ignore', 'pipe']);
    const end = ending(child, file, options);
    const { stdin } = child;
    // A child that has ended does not read: its exit code and its words say why.
    stdin?.on('error', () => undefined);
    const drained = (): Promise<void> =>
      new Promise((resolve) => {
        const over = (): void => {
          stdin?.off('drain', over).off('close', over);
          resolve();
        };
        stdin?.on('drain', over).on('close', over);
      });
    return {
      async write(piece) {
        if (!stdin?.writable) return false;
        if (!stdin.write(piece)) await end.within(drained());
        return stdin.writable;
      },
      async finish() {
        stdin?.end();
        return end.within(end.ran);
      },
      kill: end.kill,
    };
  },
};

type Child = ReturnType<typeof start>;

function start(file: string, args: readonly string[], stdio: readonly ('ignore' | 'pipe')[]) {
  const [stdin = 'ignore', stdout = 'ignore', stderr = 'ignore'] = stdio;
  return execa(file, args, {
    ...{ stdin, stdout, stderr },
    buffer: false,
    encoding: 'buffer',
    forceKillAfterDelay: forceKillAfterMs,
    cwd: '/',
    extendEnv: false,
    env: environment(),
    reject: false,
  });
}

/** How a child ends, and how one waits for it. */
function ending(child: Child, file: string, { signal, target, silenceMs }: PipeOptions) {
  let words = '';
  child.stderr?.on('data', (piece: Buffer) => {
    if (words.length < maxWords) words += piece.toString('utf8');
  });
  const ran: Promise<Ran> = (async () => {
    const result = await child;
    if (result.code === 'ENOENT') {
      throw new IoError('FAILED', {
        ...{ op: file, target, message: `the program ${file} is not installed` },
        hint: `Install the package that contains ${file}.`,
      });
    }
    return { stdout: '', stderr: words, exitCode: result.exitCode ?? 128 };
  })();
  ran.catch(() => undefined);

  const kill = async (): Promise<void> => {
    child.kill('SIGTERM');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, giveUpAfterMs)));
    await Promise.race([ran.then(nothing, nothing), late]);
    clearTimeout(timer);
  };

  const waiting = patience({ op: file, target, signal, silenceMs });
  ran.then(waiting.end, waiting.end);
  return { ran, kill, within: waiting.wait };
}

const nothing = (): void => undefined;
