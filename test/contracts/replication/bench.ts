/** The words in which the contract of replication is written: volumes here, replicas there, streams between them. */
import { expect } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import { codeOf, patient as inMoments } from '#test/contracts/volumes.ts';
import type { Epoch, Incoming, Outgoing, SendOptions, StreamAbilities } from '#io/devices/replication/port.ts';
import type { Dataset, SnapInfo } from '#io/devices/volumes/port.ts';
import type { Ports, ReplicationUnderTest, SideUnderTest } from '../replication.ts';

export const MiB = 2 ** 20;
export const spec = { sizeBytes: 32 * MiB };
export const plain: SendOptions = { compressed: false, raw: false };
export const epoch = (index: number, generation = 1): Epoch => ({ generation, index });
export const first = epoch(1);
export const lineage = 'lineage-1';

export { codeOf };

/** Some decisions are twenty commands, and some machines of the tests are emulated. */
export const patient = (): Call => ({ ...inMoments(), timeoutMs: 300_000 });

export interface ReplicationBench {
  readonly can: StreamAbilities;
  readonly here: SideUnderTest;
  readonly there: SideUnderTest;
  open(it: ReplicationUnderTest): void;
  dispose(): Promise<void>;

  /** A volume here that holds `file` = `text`, and the name of its replica there, which does not exist. */
  made(text?: string): Promise<Pair>;
  /** A volume with the snapshots `one` and `two`, and a replica that has `one`. */
  replicated(): Promise<Pair & { readonly one: SnapInfo; readonly two: SnapInfo }>;
}

export interface Pair {
  readonly of: Dataset;
  readonly into: Dataset;
}

export function makeReplicationBench(can: StreamAbilities): ReplicationBench {
  let it: ReplicationUnderTest | undefined;
  let count = 0;
  const known = (): ReplicationUnderTest => {
    if (!it) throw new Error('the pools under test are not there');
    return it;
  };
  const bench: ReplicationBench = {
    can,
    get here() {
      return known().here;
    },
    get there() {
      return known().there;
    },
    open(opened) {
      it = opened;
    },
    async dispose() {
      await it?.dispose();
    },
    async made(text = 'one') {
      const name = `set-${++count}`;
      const [of, into] = [bench.here, bench.there].map(({ pool }) => ({ pool, name })) as [Dataset, Dataset];
      await bench.here.volumes.create(of, spec, patient());
      await write(bench.here, of, text);
      return { of, into };
    },
    async replicated() {
      const pair = await bench.made('one');
      const one = await bench.here.volumes.snapshot(pair.of, 'one', patient());
      await move(bench.here, bench.there, pair.of, pair.into, { to: one });
      await write(bench.here, pair.of, 'two');
      const two = await bench.here.volumes.snapshot(pair.of, 'two', patient());
      return { ...pair, one, two };
    },
  };
  return bench;
}

export const write = async (side: SideUnderTest, of: Dataset, text: string, file = 'file'): Promise<void> =>
  side.writeAt((await side.volumes.mount(of, patient())).path, file, text);

export const fill = async (side: SideUnderTest, of: Dataset, file: string, bytes: number): Promise<void> =>
  side.fillAt((await side.volumes.mount(of, patient())).path, file, bytes);

export async function read(side: SideUnderTest, of: Dataset, file = 'file'): Promise<string | undefined> {
  const info = await side.volumes.inspect(of, patient());
  return info && side.readAt(info.path, file);
}

export interface Move {
  readonly from?: SnapInfo;
  readonly to: SnapInfo;
  readonly epoch?: Epoch;
  readonly lineage?: string;
}

export const wanted = ({ from, to, ...told }: Move, format: Outgoing['format']): Incoming => ({
  ...(from ? { from: from.guid } : {}),
  // With all that is told of a snapshot: what the port does not need it does not keep.
  to,
  ...{ format, epoch: first, lineage },
  ...told,
});

export const sent = (side: Ports, of: Dataset, { from, to }: Move, how = plain, call = patient()): Promise<Outgoing> =>
  side.replication.send(of, { ...(from ? { from: from.guid } : {}), to: to.guid }, how, call);

/** One stream from one side to the other. */
export async function move(a: Ports, b: Ports, of: Dataset, into: Dataset, what: Move): Promise<SnapInfo> {
  const { bytes, format } = await sent(a, of, what);
  return b.replication.receive(into, wanted(what, format), bytes, patient());
}

/** All that a replica holds, which nobody sees until it is promoted: its names and its role. */
export async function held(
  side: Ports,
  of: Dataset,
): Promise<{ readonly role: string; readonly names: string[] } | undefined> {
  const bases = await side.replication.bases(of, patient());
  return (
    bases && { role: bases.role, names: bases.all.filter(({ kind }) => kind === 'snapshot').map(({ name }) => name) }
  );
}

/** Proves that a replica is there, has these snapshots, and is no volume. */
export async function expectReplica(side: Ports, of: Dataset, names: readonly string[]): Promise<void> {
  expect(await held(side, of)).toEqual({ role: 'replica', names });
  expect(await side.volumes.inspect(of, patient())).toBeUndefined();
}

export async function gathered(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A stream of these bytes, in pieces. */
export async function* pieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A stream that says so much, and then nothing, until it is left. */
export async function* stuck(start: Uint8Array, read: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  yield start;
  read();
  await new Promise(() => undefined);
}

export const briefly = (timeoutMs: number, signal = new AbortController().signal): Call => ({
  signal,
  timeoutMs,
  progress: () => undefined,
});
