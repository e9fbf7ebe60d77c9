/** What a retention policy would keep and drop, over HTTP; nothing is dropped by asking. */
import { describe, expect, test } from 'vitest';
import { LogError } from '#io/log/port.ts';
import { snapshotRow, volumeRow } from '#test/ui/cli/sample-rows.ts';
import { startServer } from './test-server.ts';

const hourMs = 3_600_000;
const path = '/api/v1/volumes/default/photos-db/retention';

/** Six hourly snapshots of which the second was taken by hand, one that failed, and one of another volume. */
async function withSnapshots() {
  const server = await startServer();
  const at = (hour: number) => Date.UTC(2026, 0, 1, hour);
  const rows = [0, 1, 2, 3, 4, 5].map((hour) =>
    snapshotRow(`s${hour}`, { takenAt: at(hour), requestedAt: at(hour), reason: hour === 1 ? 'manual' : 'schedule' }),
  );
  const other = { id: 'volume:other', name: 'other' } as const;
  const all = [...rows, snapshotRow('broken', { state: 'failed' }), snapshotRow('theirs', { volume: other })];
  server.lab.commit({
    volumes: { put: { 'volume:photos-db': volumeRow('photos-db', { keep: 'last:2' }) } },
    snapshots: { put: Object.fromEntries(all.map((row) => [row.id, row])) },
  });
  return server;
}

describe('a look at the retention of a volume', () => {
  test('has a verdict and a reason for every snapshot that is there, by its own policy', async () => {
    const { api, lab } = await withSnapshots();
    const { json } = await api(path);
    expect(json).toMatchObject({ keep: 'last:2', kept: 3, dropped: 3 });
    const stays = json.items.filter(({ keep }: { keep: boolean }) => keep);
    expect(stays.map(({ snapshot, why }: { snapshot: string; why: string }) => [snapshot, why])).toEqual([
      ['s1', 'taken by hand'],
      ['s4', 'one of the last 2 (last:2)'],
      ['s5', 'one of the last 2 (last:2)'],
    ]);
    expect(json.items[0].takenAt % hourMs).toBe(0);
    expect(lab.requests).toEqual([]);
  });

  test('keeps what is needed at this moment, as the policy itself does', async () => {
    const { api, lab } = await withSnapshots();
    lab.addActor('volume:photos-db', 'photos-db', 'default', { rollback: { to: 'snapshot:s0' } });
    lab.addActor('snapshot:s0', 's0', 'default', { volume: 'volume:photos-db' });
    const { json } = await api(path);
    expect(json).toMatchObject({ kept: 4, dropped: 2 });
    expect(json.items[0]).toMatchObject({ snapshot: 's0', keep: true, why: 'the volume goes back to it' });
  });

  test('shows what another policy would do, and none at all', async () => {
    const { api } = await withSnapshots();
    expect((await api(`${path}?keep=last:4`)).json).toMatchObject({ keep: 'last:4', kept: 5, dropped: 1 });
    expect((await api(`${path}?keep=`)).json).toMatchObject({ keep: null, kept: 6, dropped: 0 });
  });

  test('is refused for a policy that is none, a volume that is not there, and without a majority', async () => {
    const { api, lab } = await withSnapshots();
    const wrong = await api(`${path}?keep=sometimes`);
    expect(wrong.json).toMatchObject({ code: 'INVALID', fields: [{ path: 'keep' }] });
    expect((await api('/api/v1/volumes/default/none/retention')).json).toMatchObject({ code: 'NOT_FOUND' });
    lab.onReadIndex = () => Promise.reject(new LogError('NO_QUORUM', 'no majority answers', 'Wait.'));
    expect((await api(path)).json).toMatchObject({ code: 'NO_LEADER' });
  });
});
