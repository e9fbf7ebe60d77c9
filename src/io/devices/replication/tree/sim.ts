/** The simulated twin: files of the simulated pools, told by the streams of the other twin; records in memory, beside a pool. */
import { patience } from '../patience.ts';
import { sleep, type Clock } from '../../clock/port.ts';
import { IoError } from '../../error.ts';
import type { Random } from '../../random/port.ts';
import type { Waiting } from '../../tree-stream/thread/streams.ts';
import { inUse } from '../../volumes/in-use.ts';
import type { SimVolumes } from '../../volumes/sim.ts';
import type { SimPool } from '../../volumes/sim/pools.ts';
import type { OverOptions } from '../turns.ts';
import type { ReplicationPort } from '../port.ts';
import { changesBetween, frames, readFrame, readRest, readSimHead } from '../sim/stream.ts';
import { treeReplicationWith } from './backend.ts';
import type { TreeMeans } from './means.ts';
import type { Records } from './records.ts';

export interface SimTreeOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly volumes: SimVolumes;
}

export const simTreeReplication = (options: SimTreeOptions & OverOptions): ReplicationPort =>
  treeReplicationWith(simTreeMeans(options), options);

export function simTreeMeans({ volumes, clock, random }: SimTreeOptions): TreeMeans {
  const pause: Pause = ({ signal }) => sleep(clock, 1 + random.next() * 4, signal);
  return {
    ...{ volumes, clock, records: simRecords(volumes, pause), readHead: readSimHead },
    async *send({ target, base }, how) {
      const files = volumes.snapshotFilesAt(target.path);
      const before = base && volumes.snapshotFilesAt(base.path);
      if (!files || (base && !before)) throw gone('send tree', how.target);
      const head = { guid: target.id, ...(base ? { base: base.id } : {}), skip: 0 };
      yield* frames(head, changesBetween(before, files));
    },
    async receive(stream, { into }, how) {
      for await (const { file, text } of changesIn(stream, how, clock)) {
        await pause(how);
        if (text === null) volumes.filesAt(into)?.delete(file);
        else volumes.writeAt(into, file, text);
      }
    },
    async refuseInUse(op, path) {
      const user = volumes.usedBy?.(path);
      if (user !== undefined) throw inUse(op, path, user);
    },
    topOf: async () => ({}),
    keepsFractions: async () => true,
    id: () => Array.from({ length: 32 }, () => Math.floor(random.next() * 16).toString(16)).join(''),
  };
}

/** Each step that changes something takes a while. */
type Pause = (call: { readonly signal: AbortSignal }) => Promise<void>;

/** As they come: what is applied of a stream that turns out to be broken stays applied. */
async function* changesIn(stream: AsyncIterable<Uint8Array>, { target, signal, silenceMs }: Waiting, clock: Clock) {
  const waiting = patience({ op: 'receive', target, signal, silenceMs, clock });
  const pieces = stream[Symbol.asyncIterator]();
  let left = Buffer.alloc(0);
  let crc = 0;
  let count = -1;
  let isWhole = false;
  try {
    for (;;) {
      const frame = readFrame(left, crc);
      if (frame === 'none') throw broken(target, 'was changed on its way');
      if (frame === 'more') {
        const next = await waiting.wait(pieces.next());
        if (next.done === true) break;
        left = Buffer.concat([left, next.value]);
        continue;
      }
      if (isWhole) break;
      left = left.subarray(frame.bytes);
      crc = frame.crc;
      // The head was read before.
      const content = count++ < 0 ? { file: '', text: null } : readRest(frame.content);
      if (content === undefined) throw broken(target, 'cannot be understood');
      if ('count' in content) isWhole = content.count === count - 1;
      else if (count > 0) yield content;
    }
    if (!isWhole || left.length > 0) throw broken(target, 'is not what its sender made of it');
  } finally {
    waiting.end();
  }
}

const broken = (target: string, what: string): IoError =>
  new IoError('TRUNCATED', {
    op: 'receive',
    target,
    message: `the stream for ${target} ${what}`,
    hint: 'Send it again.',
  });

const gone = (op: string, target: string): IoError =>
  new IoError('MISSING', { op, target, message: `${op} of ${target}: a snapshot of it is not there` });

const known = new WeakMap<SimPool, Map<string, string>>();

function simRecords(volumes: SimVolumes, pause: Pause): Records {
  const at = (name: string): Map<string, string> => {
    const pool = volumes.inside.get(name);
    if (!pool || pool.state === 'unavailable')
      throw new IoError('POOL_MISSING', {
        op: 'find the replica',
        target: name,
        message: `the pool ${name} is not there`,
      });
    const records = known.get(pool) ?? new Map<string, string>();
    known.set(pool, records);
    return records;
  };
  return {
    read: async (pool, key) => at(pool).get(key),
    async write(pool, key, text, call) {
      await pause(call);
      at(pool).set(key, text);
    },
    async remove(pool, key, call) {
      if (!at(pool).has(key)) return;
      await pause(call);
      at(pool).delete(key);
    },
    keys: async (pool) => [...at(pool).keys()].toSorted(),
    folder: async (pool) => `${volumes.inside.get(pool)?.mountpoint ?? pool}/records`,
  };
}
