/** A volume while somebody writes how it shall be. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { archiveTrouble } from '#ui/web/format/archive-kind.ts';
import { changesOf, draftOf, emptyDraft, specOf, type VolumeDraft } from '#ui/web/format/volume-draft.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';

const gib = 2 ** 30;
const row: VolumeRow = {
  ...{ id: 'volume:v1', namespace: 'default', name: 'media', labels: {}, state: 'ready', since: 0, createdAt: 0 },
  ...{ sizeBytes: 5 * gib + 12_345, keep: '24h:1h 14d:1d', owner: { uid: 999, gid: 999 }, mode: 0o750 },
  ...{ recordSizeBytes: 16_384, compression: 'zstd', growToBytes: 20 * gib },
  snapshotOnChange: { settleMs: 10_000, minIntervalMs: 900_000 },
  hooks: { before: { service: 'db', command: ['sh', '-c', 'sync; echo "x"'], timeoutMs: 30_000 }, onFailure: 'skip' },
  constraints: { labels: { zone: 'attic' }, pool: 'tank', driver: 'zfs' },
  ...{
    adopted: null,
    drift: null,
    move: null,
    rollback: null,
    lineages: [],
    app: null,
    node: null,
    pool: null,
    path: null,
  },
  ...{ problem: null, delay: null, discarded: null, origin: null, snapshots: 0, lastSnapshotAt: null },
  ...{ replication: null, replicas: [] },
};

const troublesOf = (more: Partial<VolumeDraft>) => {
  const read = specOf({ ...emptyDraft, ...more });
  return 'troubles' in read ? read.troubles : undefined;
};

describe('a volume that is written', () => {
  test('changes nothing when nothing was written, however its figures are rounded', () => {
    expect(changesOf(row, draftOf(row))).toEqual({ changes: {} });
  });

  test('is asked for as it was written', () => {
    const { spec } = specOf({ ...draftOf(row), size: '6GiB' }) as { spec: object };
    const { keep, owner, mode, recordSizeBytes, compression, growToBytes, snapshotOnChange, hooks, constraints } = row;
    const same = { keep, owner, mode, recordSizeBytes, compression, growToBytes, snapshotOnChange, hooks, constraints };
    expect(spec).toEqual({ ...same, sizeBytes: 6 * gib });
  });

  test('sends what was written anew and no more; what was emptied is taken away', () => {
    const draft = {
      ...draftOf(row),
      ...{ size: '30GiB', growTo: '40GiB', keep: '', nodeLabels: '', pool: '', driver: '', onChange: false },
      ...{ beforeService: '', beforeCommand: '' },
    };
    expect(changesOf(row, draft)).toEqual({
      changes: {
        ...{ sizeBytes: 30 * gib, growToBytes: 40 * gib, keep: '', constraints: {} },
        ...{ snapshotOnChange: null, hooks: null },
      },
    });
    expect(changesOf(row, { ...draftOf(row), driver: '' })).toEqual({
      changes: { constraints: { labels: { zone: 'attic' }, pool: 'tank' } },
    });
  });

  test.each<[keyof VolumeDraft, Partial<VolumeDraft>, RegExp]>([
    ['size', { size: 'large' }, /number with its unit/],
    ['size', { size: '1MiB' }, /at least 16 MiB/],
    ['growTo', { growTo: '1GiB' }, /counts the size in/],
    ['keep', { keep: '24h' }, /not a rule/],
    ['owner', { owner: 'root' }, /999:999/],
    ['mode', { mode: 'rwx' }, /octal/],
    ['nodeLabels', { nodeLabels: 'zone' }, /zone=attic/],
    ['recordSize', { recordSize: '1000' }, /power of two/],
    ['interval', { onChange: true, interval: '1s' }, /from 10 s to 31 d/],
    ['settle', { onChange: true, settle: 'soon' }, /number with its unit/],
    ['beforeCommand', { beforeService: 'db', beforeCommand: 'sh -c "x' }, /every quote closed/],
    ['beforeService', { beforeCommand: 'sync' }, /Name the service/],
    ['beforeService', { beforeService: '-x', beforeCommand: 'sync' }, /not a valid service name/i],
    ['afterTimeout', { afterService: 'db', afterCommand: 'sync', afterTimeout: '2h' }, /from 1 s to 1 h/],
  ])('says at %s what is wrong there', (field, more, words) => {
    const troubles = troublesOf(more);
    expect(Object.keys(troubles ?? {})).toEqual([field]);
    expect(troubles?.[field]).toMatch(words);
  });

  test('cannot become smaller', () => {
    expect(changesOf(row, { ...draftOf(row), size: '4GiB', growTo: '' })).toEqual({
      troubles: { size: 'At least 5 GiB: a volume cannot become smaller.' },
    });
  });

  test('has a trouble at a field, or is right, whatever is written', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('', '5GiB', '10s', '1:1', '0750', 'a=b', 'sh -c "x"'));
    const drafts = fc.record(Object.fromEntries(Object.keys(emptyDraft).map((field) => [field, text])));
    fc.assert(
      fc.property(drafts, fc.boolean(), (texts, onChange) => {
        const read = specOf({ ...emptyDraft, ...texts, onChange, onFailure: 'skip' });
        if ('spec' in read) return;
        expect(Object.values(read.troubles).filter((words) => words !== undefined && words !== '')).not.toEqual([]);
      }),
    );
  });
});

test('a file that is no tar is known by its first bytes', () => {
  expect(archiveTrouble(Uint8Array.of(0x1f, 0x8b, 8))).toBe(
    'This is compressed with gzip. Unpack it first: gunzip FILE.',
  );
  expect(archiveTrouble(Uint8Array.of(0x50, 0x4b, 3, 4))).toMatch(/zip/);
  expect(archiveTrouble(new Uint8Array())).toMatch(/empty/);
  expect(archiveTrouble(new TextEncoder().encode('config/'))).toBeUndefined();
});
