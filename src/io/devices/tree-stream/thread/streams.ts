/**
 * Streams of trees on threads of their own, one for each: a walk through a hundred thousand files holds up nobody.
 *
 *   sendTree ─▶ window ─▶ bytes ─▶ … ─▶ bytes ─▶ window ─▶ receiveTree, verifyTree
 *     thread            who reads      who sends              thread
 *
 * As with programs (`replication/pipe.ts`), what has a time-out is silence: how long the thread neither hands over nor
 * takes anything nor gets on while one waits for it. A thread that does not end when it is told to is ended.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { patience } from '../../replication/patience.ts';
import { asIoError, IoError } from '../../error.ts';
import type { ReceiveOptions } from '../receive.ts';
import type { SendOptions } from '../send.ts';
import { Mailbox } from './mailbox.ts';
import type { Counted, FromTree, ToTree, TreeJob } from './protocol.ts';
import { revived, windowBytes } from './protocol.ts';

export interface Waiting {
  /** For messages. */
  readonly target: string;
  readonly signal: AbortSignal;
  readonly silenceMs: number;
  /** What runs on the thread, for who measures what was built; else what belongs to this program. */
  readonly program?: URL;
}

/** @throws IoError as `sendTree`. The thread ends when the reader leaves. */
export async function* sendOnThread(options: SendOptions, how: Waiting): AsyncGenerator<Uint8Array, void, undefined> {
  const thread = start({ do: 'send', options }, how);
  try {
    for (;;) {
      const said = await thread.said();
      if (said.t === 'done') return;
      if (said.t !== 'bytes') continue;
      yield said.bytes;
      thread.say({ t: 'taken', bytes: said.bytes.length });
    }
  } finally {
    await thread.end();
  }
}

/**
 * Receives a stream, and reads the tree again: it is what was sent, as far as the digest of the stream covers it.
 * @throws IoError as `receiveTree` and `verifyTree`; whatever the stream rejects with
 */
export async function receiveOnThread(
  stream: AsyncIterable<Uint8Array>,
  options: ReceiveOptions,
  how: Waiting,
): Promise<Counted> {
  const thread = start({ do: 'receive', options }, how);
  const pieces = stream[Symbol.asyncIterator]();
  let onTheWay = 0;
  const taken = async (): Promise<Counted | undefined> => {
    const said = await thread.said();
    if (said.t === 'taken') onTheWay -= said.bytes;
    return said.t === 'done' ? said.counted : undefined;
  };
  try {
    for (;;) {
      while (onTheWay >= windowBytes) await taken();
      const next = await thread.meanwhile(pieces.next());
      if (next.done === true) break;
      // Its memory may be somebody's who goes on using it.
      const bytes = new Uint8Array(next.value);
      onTheWay += bytes.length;
      thread.say({ t: 'bytes', bytes }, [bytes.buffer]);
    }
    thread.say({ t: 'end' });
    for (;;) {
      const counted = await taken();
      if (counted) return counted;
    }
  } finally {
    await thread.end();
  }
}

interface Thread {
  say(message: ToTree, transfer?: readonly ArrayBuffer[]): void;
  /** What it says next. @throws IoError what it failed with; ABORTED, TIMED_OUT */
  said(): Promise<FromTree>;
  /** Waits for something else, unless the thread fails meanwhile. @throws IoError as `said` */
  meanwhile<T>(promise: Promise<T>): Promise<T>;
  /** Resolves once it is gone. */
  end(): Promise<void>;
}

/** To give back what is open. */
const endMs = 2000;

function start(job: TreeJob, { target, signal, silenceMs, program }: Waiting): Thread {
  const op = `${job.do} tree`;
  const worker = newWorker(job, program);
  const mail = new Mailbox<FromTree>();
  const failed = new AbortController();
  let failure: IoError | undefined;
  let hasEnded = false;
  const fail = (error: IoError): void => {
    failure ??= error;
    failed.abort();
  };
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      if (!hasEnded)
        fail(new IoError('FAILED', { op, target, message: `the thread for ${target} has ended with code ${code}` }));
      resolve();
    });
  });
  worker.on('error', (error) => fail(asIoError(error, op, target)));
  worker.on('message', (message: FromTree) => {
    if (message.t === 'failed') return fail(revived(message.error));
    hasEnded ||= message.t === 'done';
    mail.post(message);
  });
  const waiting = patience({ op, target, signal: AbortSignal.any([signal, failed.signal]), silenceMs });
  const meanwhile = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      return await waiting.wait(promise);
    } catch (error) {
      throw failure ?? error;
    }
  };

  return {
    say: (message, transfer = []) => worker.postMessage(message, transfer),
    said: () => meanwhile(mail.next()),
    meanwhile,
    async end() {
      waiting.end();
      if (!hasEnded && !failure) worker.postMessage({ t: 'cancel' } satisfies ToTree);
      hasEnded = true;
      const late = new AbortController();
      await Promise.race([exited, delay(endMs, undefined, { signal: late.signal }).catch(() => undefined)]);
      late.abort();
      await worker.terminate();
    },
  };
}

/** Beside the program that is built; from source, the source, which a thread cannot load by itself. */
function newWorker(job: TreeJob, program?: URL): Worker {
  // A tree with too many hard links to remember ends its stream, and not the node.
  const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 };
  const options = { workerData: job, stdout: false, stderr: false, resourceLimits };
  const isBuilt = !import.meta.url.endsWith('.ts');
  const built = program ?? (isBuilt ? new URL('./tree-stream.js', import.meta.url) : undefined);
  if (built) return new Worker(built, options);
  const source = JSON.stringify(new URL('./worker.ts', import.meta.url).href);
  const load = `import('tsx/esm/api').then(({ register }) => { register(); return import(${source}); });`;
  return new Worker(load, { ...options, eval: true });
}
