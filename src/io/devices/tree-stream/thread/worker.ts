/**
 * The thread of one stream: it reads or writes a tree with calls that wait for the disk, which would hold up everybody
 * else on the thread of the node. It ends with its work.
 */
import type { MessagePort } from 'node:worker_threads';
import { parentPort, workerData } from 'node:worker_threads';
import type { Call } from '../../call.ts';
import { asIoError } from '../../error.ts';
import { verifyTree } from '../digest.ts';
import { receiveTree, type ReceiveOptions } from '../receive.ts';
import { sendTree, type SendOptions } from '../send.ts';
import { Mailbox } from './mailbox.ts';
import type { FromTree, ToTree, TreeJob } from './protocol.ts';
import { plain, windowBytes } from './protocol.ts';

function portOfStarter(): MessagePort {
  if (!parentPort) throw new Error('this is the thread of a stream, and no program');
  return parentPort;
}

const job = workerData as TreeJob;
const port = portOfStarter();
const stop = new AbortController();
const mail = new Mailbox<ToTree>();
const say = (message: FromTree, transfer: readonly ArrayBuffer[] = []): void => port.postMessage(message, transfer);

port.on('message', (message: ToTree) => {
  if (message.t === 'cancel') stop.abort();
  mail.post(message);
});

/** Whoever started it bounds its silence, not its duration. */
const call: Call = {
  signal: stop.signal,
  timeoutMs: Number.MAX_SAFE_INTEGER,
  progress: () => say({ t: 'beat' }),
};

async function send(options: SendOptions): Promise<void> {
  let onTheWay = 0;
  for await (const bytes of sendTree(options, call)) {
    for (;;) {
      const message = onTheWay < windowBytes ? mail.now() : await mail.next();
      if (message?.t === 'taken') onTheWay -= message.bytes;
      else if (message?.t === 'cancel') return;
      else if (onTheWay < windowBytes) break;
    }
    onTheWay += bytes.length;
    // Small ones lie in memory that others use, too.
    const isItsOwn = bytes.buffer.byteLength > Buffer.poolSize;
    say({ t: 'bytes', bytes }, isItsOwn ? [bytes.buffer as ArrayBuffer] : []);
  }
  say({ t: 'done' });
}

async function receive(options: ReceiveOptions): Promise<void> {
  const received = await receiveTree(arriving(), options, call);
  await verifyTree(options.into, received, call);
  const { records, bytes } = received;
  say({ t: 'done', counted: { records, bytes } });
}

async function* arriving(): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const message = await mail.next();
    if (message.t === 'end') return;
    if (message.t === 'cancel') call.signal.throwIfAborted();
    if (message.t !== 'bytes') continue;
    const { bytes } = message;
    yield bytes;
    say({ t: 'taken', bytes: bytes.length });
  }
}

const work = job.do === 'send' ? send(job.options) : receive(job.options);
work
  .catch((error: unknown) => {
    const target = job.do === 'send' ? job.options.target.path : job.options.into;
    say({ t: 'failed', error: plain(asIoError(error, `${job.do} tree`, target)) });
  })
  .finally(() => port.close());
