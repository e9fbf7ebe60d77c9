/** The words in which the parts of the contract are written: datasets that are made, written and read. */
import type { Call } from '#io/devices/call.ts';
import type { IoErrorCode } from '#io/devices/error.ts';
import type { Dataset, DatasetSpec, PoolAbilities, SnapInfo, VolumePort } from '#io/devices/volumes/port.ts';
import type { Expected, Native, VolumesUnderTest } from '../volumes.ts';

export const MiB = 2 ** 20;
export const size = 32 * MiB;
export const spec: DatasetSpec = { sizeBytes: size };

export interface Bench {
  /** Known from the beginning. */
  readonly expected: Expected;
  readonly can: PoolAbilities;
  /** Known once the first test begins; as is all that follows. */
  readonly it: VolumesUnderTest;
  readonly volumes: VolumePort;
  readonly patient: () => Call;
  readonly codeOf: (promise: Promise<unknown>) => Promise<IoErrorCode | undefined>;

  /** The size that the port tells of a dataset that was given this one. */
  sized(bytes: number): number | undefined;
  /** A dataset that does not exist yet. */
  unused(): Dataset;
  /** A new dataset that holds `file` = `text`. */
  made(text?: string): Promise<Dataset>;
  /** Something to adopt that holds `file` = `native`. */
  madeNative(): Promise<Native>;
  /** Of the snapshots that were taken here. */
  names(of: Dataset): Promise<string[]>;
  write(of: Dataset, file: string, text: string): Promise<void>;
  read(of: Dataset, file: string): Promise<string | undefined>;
  readSnapshot(of: Dataset, snapshot: string, file: string): Promise<string | undefined>;
  fits(of: Dataset, file: string, bytes: number): Promise<boolean>;

  open(it: VolumesUnderTest): void;
  dispose(): Promise<void>;
}

/** What never changes about a snapshot. */
export const identity = ({ name, guid, createdAt }: SnapInfo): SnapInfo => ({ name, guid, createdAt });

export function makeBench({ patient, codeOf }: Pick<Bench, 'patient' | 'codeOf'>, expected: Expected): Bench {
  let it: VolumesUnderTest | undefined;
  let count = 0;
  const pathOf = async (of: Dataset): Promise<string> => {
    const info = await bench.volumes.inspect(of, patient());
    if (!info) throw new Error(`there is no dataset ${of.name}`);
    return info.path;
  };
  const bench: Bench = {
    expected,
    can: expected.can,
    get it() {
      return known(it);
    },
    get volumes() {
      return known(it).volumes;
    },
    patient,
    codeOf,
    sized: (bytes) => (bench.can.quota ? bytes : undefined),
    unused: () => ({ pool: bench.it.pool, name: `set-${++count}` }),
    async made(text = 'one') {
      const of = bench.unused();
      const { path } = await bench.volumes.create(of, spec, patient());
      await bench.it.writeAt(path, 'file', text);
      return of;
    },
    async madeNative() {
      const native = await bench.it.makeNative();
      await bench.it.writeAt(native.path, 'file', 'native');
      return native;
    },
    names: async (of) => (await bench.volumes.snapshots(of, patient())).map(({ name }) => name),
    write: async (of, file, text) => bench.it.writeAt(await pathOf(of), file, text),
    read: async (of, file) => bench.it.readAt(await pathOf(of), file),
    readSnapshot: async (of, snapshot, file) =>
      bench.it.readAt(await bench.volumes.snapshotPath(of, snapshot, patient()), file),
    fits: async (of, file, bytes) => bench.it.fitsAt(await pathOf(of), file, bytes),
    open(opened) {
      it = opened;
    },
    async dispose() {
      await it?.dispose();
    },
  };
  return bench;
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the pool under test is not there');
  return value;
}
