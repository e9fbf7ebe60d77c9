/** Files of volumes, now or as in a snapshot, on whichever of the nodes that run here they are. */
import type { StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import { datasetOf } from '#actors/volume/actor.ts';
import { mostForeignSnapshots } from '#io/contract/foreign-snapshots.ts';
import type { Call } from '../devices/call.ts';
import { IoError } from '../devices/error.ts';
import type { TreePort } from '../devices/tree/port.ts';
import type { Dataset, VolumePort } from '../devices/volumes/port.ts';
import type { VolumeFiles } from '../lab/port.ts';
import type { Handover } from './handover.ts';

export interface FilesPorts {
  readonly volumes: VolumePort;
  readonly tree: TreePort;
  readonly handover: Handover;
}

/** Of one answer. What streams goes on for as long as somebody reads it. */
const answerWithinMs = 120_000;

export function volumeFiles(lab: LabView, portsOf: (node: StreamId<'node'>) => FilesPorts | undefined): VolumeFiles {
  const locate = (stream: StreamId<'volume'>): FilesPorts & { readonly of: Dataset; readonly name: string } => {
    const volume = lab.get(stream);
    const name = volume?.context.metadata.name ?? stream;
    const dataset = volume && datasetOf(volume);
    const { node = null, path = null } = volume?.context ?? {};
    const ports = node === null ? undefined : portsOf(node);
    const hasFiles = path !== null;
    if (volume && dataset && ports && hasFiles)
      return { ...ports, of: { pool: dataset.pool, name: dataset.dataset }, name };
    throw new IoError('MISSING', {
      op: 'open',
      target: name,
      message: volume
        ? `Volume ${name} is ${volume.state}: it has no files yet.`
        : `There is no volume ${name} any more.`,
      hint: 'floatlab volume ls shows what there is.',
    });
  };
  const rootOf = async (volume: StreamId<'volume'>, snapshot: string | null, call: Call): Promise<string> => {
    const { volumes, of, name } = locate(volume);
    if (snapshot !== null) return volumes.snapshotPath(of, snapshot, call);
    const info = await volumes.inspect(of, call);
    if (info) return info.path;
    throw new IoError('MISSING', { op: 'open', target: name, message: `The dataset of volume ${name} is not there.` });
  };
  const callWith = (signal: AbortSignal): Call => ({ signal, timeoutMs: answerWithinMs, progress: () => {} });
  const transferring = (transfer: string): Handover => {
    const actor = lab.get(`transfer:${transfer}`);
    if (actor) return locate(actor.context.volume).handover;
    throw new IoError('MISSING', { op: 'transfer', target: transfer, message: 'It has ended already.' });
  };

  return {
    list: async ({ volume, snapshot, path }, range, signal) => {
      const call = callWith(signal);
      return locate(volume).tree.list(await rootOf(volume, snapshot, call), path, range, call);
    },
    read: async function* ({ volume, snapshot, path }, range, signal) {
      const root = await rootOf(volume, snapshot, callWith(signal));
      yield* locate(volume).tree.read(root, path, range, signal);
    },
    pack: async function* ({ volume, snapshot, path }, signal) {
      const root = await rootOf(volume, snapshot, callWith(signal));
      yield* locate(volume).tree.pack(root, path, signal);
    },
    diff: async (volume, { from, to }, options, signal) => {
      const call = callWith(signal);
      const [before, after] = [await rootOf(volume, from, call), await rootOf(volume, to, call)];
      return locate(volume).tree.diff(before, after, options, call);
    },
    written: async (volume, snapshot, signal) => {
      const { volumes, of } = locate(volume);
      return volumes.writtenSince(of, snapshot, callWith(signal));
    },
    foreignSnapshots: async (volume, signal) => {
      const { volumes, of } = locate(volume);
      const found = await volumes.foreignSnapshots(of, callWith(signal));
      const items = found.slice(-mostForeignSnapshots).map(({ name, createdAt, exclusiveBytes }) => ({
        name: name.slice(0, 4096),
        takenAt: createdAt === 0 ? null : createdAt,
        exclusiveBytes: exclusiveBytes ?? null,
      }));
      return { items, truncated: found.length > items.length };
    },
    fetch: async function* (transfer, signal) {
      const { bytes, end } = await transferring(transfer).take(transfer, signal);
      let isWhole = false;
      try {
        yield* bytes;
        isWhole = true;
      } catch (error) {
        end(error);
        throw error;
      } finally {
        end(isWhole ? undefined : left(transfer));
      }
    },
    bring: (transfer, bytes, signal) => transferring(transfer).give(transfer, bytes, signal),
  };
}

const left = (target: string): IoError =>
  new IoError('ABORTED', {
    op: 'export',
    target,
    message: 'whoever exported it stopped before the end',
    hint: 'Export it again.',
  });
