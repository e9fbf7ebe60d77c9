/** The eye on changes over a real btrfs and a real plain folder: what is written is seen, asked for once, and then at rest. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import type { Commands } from '#actors/commands.ts';
import { Attester, type AttesterParts } from '#io/agent/attester.ts';
import { ChangeWatch, type ChangeWatchParts } from '#io/agent/change-watch.ts';
import { realBootTime } from '#io/devices/boot-time/real.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realMarks } from '#io/devices/marks/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import { describeReal } from '#test/real.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { patientCall } from '#test/engine-fixture.ts';
import { tempFolder } from '#test/io/devices/volumes/dir-pool.ts';

const node = 'node:atlas';
const stream = 'volume:data';

const of = { pool: 'test', name: 'data' };

/** A lab with one volume, whose snapshots are taken as soon as they are asked for. */
function watching(volumes: VolumePort, path: string) {
  const asked: Commands['request-change-snapshots']['volumes'][] = [];
  const spec = { sizeBytes: 2 ** 24, snapshotOnChange: { settleMs: 200, minIntervalMs: 1000 } };
  const volume = { stream, state: 'ready', context: { node, pool: of.pool, dataset: of.name, path, spec } };
  const lab = {
    view: { referrers: (_: string, kind: string) => (kind === 'volume' ? [volume] : []) },
    run: async ({ input }: { input: Commands['request-change-snapshots'] }) => {
      asked.push(input.volumes);
      await volumes.snapshot(of, `s${asked.length}`, patientCall());
      return {};
    },
  } as unknown as ChangeWatchParts['lab'];
  const log = pino({ level: 'silent' });
  const ports = { volumes, marks: realMarks, clock: realClock };
  const whole = { ...lab, index: 0, readIndex: async () => 0 } as unknown as AttesterParts['lab'];
  const attester = new Attester({ lab: whole, bootTime: realBootTime, volumes });
  return { watch: new ChangeWatch({ node, lab, ports, attester, random: realRandom, log }), asked };
}

async function story(volumes: VolumePort, path: string, written: () => Promise<unknown>): Promise<void> {
  const { watch, asked } = watching(volumes, path);
  const until = (count: number) =>
    vi.waitFor(
      async () => {
        await watch.look();
        expect(asked.length).toBe(count);
      },
      { timeout: 20_000, interval: 200 },
    );
  try {
    await until(1);
    expect(asked[0]).toMatchObject([{ volume: stream, mark: expect.stringMatching(/./) }]);
    const [first] = await volumes.snapshots(of, patientCall());
    for (let n = 0; n < 5; n++) await watch.look();
    expect(asked.length).toBe(1);
    await writeFile(join(path, 'page'), 'two');
    await written();
    await until(2);
    expect(asked[1]).toMatchObject([{ since: first?.guid }]);
  } finally {
    await watch.stop();
  }
}

describeReal('Changes on a real btrfs', missingBtrfs(), () => {
  test('are seen, and their snapshots asked for once', async () => {
    const pool = await tempPool();
    try {
      const { path } = await pool.volumes.create(of, { sizeBytes: 2 ** 24 }, patientCall());
      await story(pool.volumes, path, () => pool.tool('btrfs', 'filesystem', 'sync', path));
    } finally {
      await pool.dispose();
    }
  });
});

describe('Changes in a plain folder', () => {
  test('are seen by walking through it', async () => {
    const pool = await tempFolder();
    try {
      const { path } = await pool.volumes.create(of, { sizeBytes: 2 ** 24 }, patientCall());
      await story(pool.volumes, path, () => Promise.resolve());
    } finally {
      await pool.dispose();
    }
  });
});
