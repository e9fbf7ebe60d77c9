/** A member of the group on a thread of its own, as its log sees it. */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { FromLeases, ToLeases } from '../../../lease/protocol.ts';
import type { LinkIdentity } from '../../../links/identity.ts';
import { StoreError } from '../../../stores/port.ts';
import { LogError } from '../../port.ts';
import type { MemberChannel } from '../member/channel.ts';
import type { FromMember, ToMember } from '../member/protocol.ts';
import { beatMs } from './main-watch.ts';
import type { FromThread, ThreadError, ThreadPeer, ThreadStart, ToThread } from './protocol.ts';

export interface MemberThread {
  readonly opened: Extract<FromThread, { t: 'opened' }>;
  readonly channel: MemberChannel;
  sayToLeases(message: ToLeases): void;
  setIdentity(identity: LinkIdentity): void;
  setPeers(peers: readonly ThreadPeer[]): void;
}

export interface ThreadOptions {
  readonly log: Logger;
  onLease(message: FromLeases): void;
  /** Nothing works any more: end the process. */
  onBroken(error: unknown): void;
}

/** @throws what opening the log, or listening, throws */
export async function startMemberThread(
  start: ThreadStart,
  { log, onLease, onBroken }: ThreadOptions,
): Promise<MemberThread> {
  const worker = newWorker(start);
  const post = (message: ToThread, transfer: readonly ArrayBuffer[] = []): void =>
    worker.postMessage(message, transfer);
  let onMessage: ((message: FromMember) => void) | undefined;
  const kept: FromMember[] = [];
  let isOpen = false;
  let isStopping = false;
  let hasStopped: () => void = () => {};
  const stopped = new Promise<void>((resolve) => (hasStopped = resolve));

  const opened = await new Promise<Extract<FromThread, { t: 'opened' }>>((resolve, reject) => {
    const failed = (error: unknown): void => {
      if (isOpen) onBroken(error);
      else reject(error as Error);
      hasStopped();
    };
    worker.on('error', failed);
    worker.on('exit', (code) => {
      if (code === 0 || isStopping) hasStopped();
      else failed(new LogError('BROKEN', `the thread of consensus ended with code ${code}`, 'Start FloatLab again.'));
    });
    worker.on('message', (message: FromThread) => {
      switch (message.t) {
        case 'opened':
          isOpen = true;
          return resolve(message);
        case 'member':
          if (onMessage) message.messages.forEach(onMessage);
          else kept.push(...message.messages);
          return undefined;
        case 'lease':
          return onLease(message.message);
        case 'log':
          return pass(log, message.line);
        case 'failed':
          return failed(revived(message.error));
        case 'stopped':
          return hasStopped();
      }
    });
  }).catch(async (error: unknown) => {
    await worker.terminate();
    throw error;
  });
  const beat = setInterval(() => post({ t: 'beat' }), beatMs);
  beat.unref();

  return {
    opened,
    channel: {
      send: (message) => post({ t: 'member', message }, transferOf(message)),
      receive: (listener) => {
        onMessage = listener;
        for (const message of kept.splice(0)) listener(message);
      },
      close: async () => {
        isStopping = true;
        clearInterval(beat);
        post({ t: 'stop' });
        await stopped;
        await worker.terminate();
      },
    },
    sayToLeases: (message) => post({ t: 'lease', message }),
    setIdentity: (identity) => post({ t: 'identity', identity }),
    setPeers: (peers) => post({ t: 'peers', peers }),
  };
}

/** Beside the program that is built; from source, the source, which a thread cannot load by itself. */
function newWorker(start: ThreadStart): Worker {
  // What it makes is short-lived and small: a large nursery would only cost memory.
  const resourceLimits = { maxYoungGenerationSizeMb: 6 };
  const options = { workerData: start, stdout: false, stderr: false, resourceLimits };
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./consensus.js', import.meta.url), options);
  const source = JSON.stringify(new URL('./worker.ts', import.meta.url).href);
  const load = `import('tsx/esm/api').then(({ register }) => { register(); return import(${source}); });`;
  return new Worker(load, { ...options, eval: true });
}

const transferOf = (message: ToMember): readonly ArrayBuffer[] =>
  message.t === 'propose' ? [message.entries.bytes.buffer as ArrayBuffer] : [];

/** Codes are what callers branch on; they survive the way between threads. */
function revived({ name, code, message, hint, stack }: ThreadError): Error {
  const error =
    name === 'LogError'
      ? new LogError(code as LogError['code'], message, hint ?? '')
      : name === 'StoreError'
        ? new StoreError(code as StoreError['code'], message, hint ?? '')
        : Object.assign(new Error(message), { name, code, hint });
  if (stack !== undefined) error.stack = stack;
  return error;
}

const levels = new Map([
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
] as const);

function pass(log: Logger, line: string): void {
  const {
    level,
    time: _,
    msg,
    ...details
  } = JSON.parse(line) as { level: 20 | 30 | 40 | 50 | 60; time: number; msg: string };
  log[levels.get(level) ?? 'info'](details, msg);
}
