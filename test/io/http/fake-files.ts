/** Files of one volume, `data`, for the server under test: in memory, with one snapshot, and archives as the test wants them. */
import { simFifo, simLink, simTree } from '#io/devices/tree/sim.ts';
import type { ForeignSnapshotsAnswer } from '#io/contract/foreign-snapshots.ts';
import type { VolumeFiles } from '#io/lab/port.ts';
import { FakeLab, operationRow } from './fake-lab.ts';
import { asIndex } from '#events/envelope.ts';

export const letters = 'abcdefghijklmnopqrstuvwxyz';

export interface FakeFiles extends VolumeFiles {
  readonly now: Map<string, string>;
  /** What was brought, and how that ended. */
  readonly brought: { bytes: number; error: unknown; isWhole: boolean };
  /** Streams that were opened, and that have ended. */
  readonly streams: { opened: number; ended: number; given: number };
  /** Since any snapshot; undefined: unknown. */
  writtenBytes: number | undefined;
  /** Snapshots of other tools. */
  foreign: ForeignSnapshotsAnswer;
  /** What `fetch` and `read` give instead of what is there. */
  source: ((signal: AbortSignal) => AsyncIterable<Uint8Array>) | undefined;
}

export function fakeFiles(): FakeFiles {
  const now = new Map([
    ['letters.txt', letters],
    ['empty', ''],
    ['folder/ä "quoted" 1.txt', 'one'],
    ['link', simLink('letters.txt')],
    ['pipe', simFifo],
  ]);
  const tree = simTree({
    filesAt: (root) => (root === 'now' ? now : undefined),
    snapshotFilesAt: (root) => (root === 'monday' ? new Map([['letters.txt', 'older']]) : undefined),
    writeAt: (_, file, text) => void now.set(file, text),
  });
  const call = (signal: AbortSignal) => ({ signal, timeoutMs: 1000, progress: () => {} });
  const root = (snapshot: string | null): string => snapshot ?? 'now';

  async function* counted(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    files.streams.opened += 1;
    try {
      for await (const chunk of bytes) {
        files.streams.given += 1;
        yield chunk;
      }
    } finally {
      files.streams.ended += 1;
    }
  }

  const files: FakeFiles = {
    now,
    brought: { bytes: 0, error: undefined, isWhole: false },
    streams: { opened: 0, ended: 0, given: 0 },
    source: undefined,
    writtenBytes: 4096,
    foreign: { items: [], truncated: false },
    list: ({ snapshot, path }, range, signal) => tree.list(root(snapshot), path, range, call(signal)),
    read: ({ snapshot, path }, range, signal) =>
      counted(files.source?.(signal) ?? tree.read(root(snapshot), path, range, signal)),
    pack: ({ snapshot, path }, signal) => counted(tree.pack(root(snapshot), path, signal)),
    diff: (_, { from, to }, options, signal) => tree.diff(root(from), root(to), options, call(signal)),
    foreignSnapshots: () => Promise.resolve(files.foreign),
    written: () => Promise.resolve(files.writtenBytes),
    fetch: (_, signal) => counted(files.source?.(signal) ?? tree.pack('now', '', signal)),
    async bring(_, bytes) {
      try {
        for await (const chunk of bytes) files.brought.bytes += chunk.length;
        files.brought.isWhole = true;
      } catch (error) {
        files.brought.error = error;
        throw error;
      }
    },
  };
  return files;
}

/** A lab with the volume `data`, in which each import and export begins operation 1. */
export function labWithVolume(): FakeLab {
  const lab = new FakeLab();
  lab.commit({
    volumes: {
      put: { 'volume:1': { id: 'volume:1', namespace: 'default', name: 'data', labels: {}, state: 'ready' } },
    },
  });
  Object.assign(lab.view, {
    referrers: () => [{ state: 'available', context: { metadata: { name: 'monday' } } }],
  });
  lab.onRun = ({ name }) => {
    lab.commit({ operations: { put: { 'operation:1': operationRow('1', { command: name, target: 'transfer:t1' }) } } });
    const requested = { stream: 'transfer:t1', type: 'transfer.requested', data: {}, words: '' } as const;
    return { index: asIndex(lab.index), unchanged: false, operation: 'operation:1', events: [requested] };
  };
  return lab;
}

export const endOperation = (lab: FakeLab, state: 'succeeded' | 'failed', problem: object | null = null): void =>
  void lab.commit({
    operations: { put: { 'operation:1': operationRow('1', { command: 'import-volume', state, problem, endedAt: 2 }) } },
  });
