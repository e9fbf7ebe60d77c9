/**
 * Logs and exec of apps wherever their instances run: here, or on another node, through the links between nodes. The
 * node at which a person asks has authorized it; the other one does what it is asked by a node of its lab.
 *
 *   logs   a stream of lines, msgpack each, with its length before it
 *   exec   a flow each way: one message a piece. The other node says `begun` once the command runs there; until then
 *          it may still refuse, and whoever asked here is told just that.
 */
import { Packr } from 'msgpackr';
import * as z from 'zod';
import { idOf, streamOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import type { LiveLogLine } from '#io/contract/live.ts';
import type { ExecSession } from '../devices/docker/port.ts';
import { IoError } from '../devices/error.ts';
import { asIoError, whoIs, type Asked } from './elsewhere.ts';
import type { Duplex, Others } from './others.ts';
import type { AppContainers } from './port.ts';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });
const id = z.string().min(1).max(64);
const logsAsked = z.object({
  app: id,
  service: z.string().max(255).exactOptional(),
  tail: z.int().min(0).max(1_000_000).exactOptional(),
  sinceMs: z.number().exactOptional(),
  follow: z.boolean(),
});
const execAsked = z.object({
  app: id,
  service: z.string().max(255),
  command: z.array(z.string()).min(1).max(1000),
  tty: z.boolean(),
  // The longest that a timer can be.
  timeoutMs: z
    .int()
    .min(1)
    .max(2 ** 31 - 1),
});
const logLine = z.object({
  service: z.string(),
  at: z.number(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
});
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const cells = z.int().min(1).max(10_000);
const toExec = z.union([
  z.tuple([z.literal('in'), bytes]),
  z.tuple([z.literal('end')]),
  z.tuple([z.literal('resize'), cells, cells]),
]);
const fromExec = z.union([
  z.tuple([z.literal('begun')]),
  z.tuple([z.literal('out'), z.enum(['stdout', 'stderr']), bytes]),
  z.tuple([z.literal('exit'), z.int()]),
]);
type ToExec = z.infer<typeof toExec>;
type FromExec = z.infer<typeof fromExec>;

/** Of a piece with its head: what a flow carries undivided. */
const maxPieceBytes = 60 * 1024;

export interface RemoteContainersParts {
  readonly local: AppContainers;
  readonly lab: LabView;
  readonly others: Others;
}

export function remoteContainers({ local, lab, others }: RemoteContainersParts): AppContainers {
  others.offer('containers/logs', async function* (params, _, signal) {
    const { app, ...options } = logsAsked.parse(params);
    for await (const line of local.logs(streamOf('app', app), options, signal)) yield framed(packr.pack(line));
  });
  others.offerDuplex('containers/exec', async (duplex, params, _, signal) => {
    const { app, service, command, tty, timeoutMs } = execAsked.parse(params);
    const call = { signal, timeoutMs, progress: () => {} };
    await serveExec(await local.exec(streamOf('app', app), service, { command, tty }, call), duplex);
  });

  /** Undefined: here, or nowhere. */
  const elsewhere = (app: StreamId<'app'>): string | undefined => {
    const node = lab.referrers(app, 'instance')[0]?.context.node;
    return node === undefined || idOf(node) === others.self ? undefined : idOf(node);
  };
  const asked = (node: string): Asked => whoIs(lab, node);

  return {
    logs: async function* (app, options, signal) {
      const node = elsewhere(app);
      if (node === undefined) return yield* local.logs(app, options, signal);
      try {
        for await (const line of unframed(others.read(node, 'containers/logs', { app: idOf(app), ...options }, signal)))
          yield logLine.parse(packr.unpack(line)) as LiveLogLine;
      } catch (error) {
        throw asIoError(error, 'read the log', asked(node));
      }
    },
    exec: async (app, service, options, call) => {
      const node = elsewhere(app);
      if (node === undefined) return local.exec(app, service, options, call);
      try {
        const { timeoutMs, signal } = call;
        const wanted = { app: idOf(app), service, command: [...options.command], tty: options.tty, timeoutMs };
        return await execOver(await others.duplex(node, 'containers/exec', wanted, signal), asked(node));
      } catch (error) {
        throw asIoError(error, 'exec', asked(node));
      }
    },
  };
}

async function serveExec(session: ExecSession, duplex: Duplex): Promise<void> {
  const say = (message: FromExec): Promise<void> => duplex.write(packr.pack(message));
  const heard = (async () => {
    for await (const piece of duplex.read()) {
      const message = toExec.parse(packr.unpack(piece));
      if (message[0] === 'in') await session.write(message[1]);
      else if (message[0] === 'end') session.endInput();
      else await session.resize(message[1], message[2]);
    }
  })().catch(() => session.close());
  try {
    await say(['begun']);
    for await (const { stream, bytes } of session.output) {
      for (let at = 0; at < bytes.length; at += maxPieceBytes)
        await say(['out', stream, bytes.subarray(at, at + maxPieceBytes)]);
    }
    await say(['exit', await session.exitCode]);
  } finally {
    session.close();
    await duplex.end().catch(() => {});
    duplex.close();
    await heard;
  }
}

/** Resolves once the command runs there. @throws what the other node said instead */
async function execOver(duplex: Duplex, node: Asked): Promise<ExecSession> {
  const messages = heardFrom(duplex, node);
  try {
    const { value: first } = await messages.next();
    if (first?.[0] !== 'begun') throw new Error(noExec);
  } catch (error) {
    duplex.close();
    throw error;
  }
  const say = (message: ToExec): Promise<void> => duplex.write(packr.pack(message));
  let exited: (code: number) => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const exitCode = new Promise<number>((resolve, reject) => {
    exited = resolve;
    failed = reject;
  });
  exitCode.catch(() => {});
  const output = (async function* (): AsyncGenerator<{ stream: 'stdout' | 'stderr'; bytes: Uint8Array }> {
    try {
      for await (const message of messages) {
        if (message[0] === 'begun') throw new Error(noExec);
        if (message[0] === 'exit') return exited(message[1]);
        yield { stream: message[1], bytes: message[2] };
      }
    } catch (error) {
      const why = asIoError(error, 'exec', node);
      failed(why);
      throw why;
    } finally {
      duplex.close();
    }
  })();
  return {
    output,
    exitCode,
    write: async (bytes) => {
      for (let at = 0; at < bytes.length; at += maxPieceBytes)
        await say(['in', bytes.subarray(at, at + maxPieceBytes)]);
    },
    endInput: () => void say(['end']).catch(() => {}),
    resize: (columns, rows) => say(['resize', columns, rows]),
    close: () => duplex.close(),
  };
}

const noExec = 'it sends what belongs to no exec';

/** @throws where the other end ends without an exit */
async function* heardFrom(duplex: Duplex, { name }: Asked): AsyncGenerator<FromExec, void, undefined> {
  for await (const piece of duplex.read()) {
    let message: FromExec;
    try {
      message = fromExec.parse(packr.unpack(piece));
    } catch {
      throw new Error(noExec);
    }
    yield message;
  }
  throw new IoError('FAILED', { op: 'exec', target: name, message: `Node ${name} ended without a word.` });
}

/** Lines are small and many: several share a chunk. */
function framed(bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + bytes.length);
  new DataView(frame.buffer).setUint32(0, bytes.length);
  frame.set(bytes, 4);
  return frame;
}

const maxLineBytes = 1024 * 1024;

async function* unframed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let kept = new Uint8Array(0);
  for await (const piece of pieces) {
    const bytes = kept.length === 0 ? piece : Buffer.concat([kept, piece]);
    let at = 0;
    for (;;) {
      if (bytes.length - at < 4) break;
      const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
      if (length > maxLineBytes) throw new Error('a line is far too long');
      if (bytes.length - at < 4 + length) break;
      yield bytes.subarray(at + 4, at + 4 + length);
      at += 4 + length;
    }
    kept = bytes.slice(at);
  }
}
