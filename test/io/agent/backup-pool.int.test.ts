/** A target in a real pool: its dataset is made once, holds no more than its size, and is not made anew when it is gone. */
import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TargetInput, WorkOrder } from '#actors/work.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { workerOf } from '#io/agent/workers.ts';
import { realTargets } from '#io/devices/backup/targets/real.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

const MiB = 2 ** 20;
const { signal } = new AbortController();
const run = {
  ...{ signal, timeoutMs: 60_000, progress: () => {}, fence: () => {}, report: () => Promise.resolve() },
} as unknown as Run;
const store = { kind: 'pool' as const, node: 'node:atlas' as const, pool: 'test', dataset: 'backups-attic' };

describeReal('a backup target in a btrfs pool', missingBtrfs(), () => {
  let pool: TempPool;
  beforeAll(async () => {
    pool = await tempPool({ sizeBytes: 512 * MiB });
  });
  afterAll(() => pool.dispose());

  const targets = () =>
    realTargets({
      ...{ self: 'node:atlas', by: 'atlas', clock: realClock, random: realRandom },
      key: () => new Uint8Array(32).fill(7),
      volumes: pool.volumes,
      elsewhere: () => {
        throw new Error('there is no other node');
      },
    });
  const target = (more: Partial<Omit<TargetInput, 'secrets'>> = {}): Omit<TargetInput, 'secrets'> => ({
    ...{ name: 'attic', spec: { store: { ...store, sizeBytes: 64 * MiB } } },
    ...more,
  });
  const check = (input: TargetInput) => {
    const ports = { volumes: pool.volumes, backups: targets() } as unknown as Ports;
    const order = {
      work: 'check-backup-target',
      subject: 'backup-target:a',
      visit: 1,
      input: { target: input, known: [] },
    };
    return workerOf(order as unknown as WorkOrder)(ports, run);
  };

  test('is made at the first look, and is no volume of anybody', async () => {
    expect(await check(target())).toMatchObject({ name: 'report-backup-target-checked', input: { backups: 0 } });
    expect((await pool.volumes.candidates('test', run)).map(({ native }) => native)).toEqual([]);
  });

  test('holds no more than its size, and says so', async () => {
    const { options } = await targets().open({ ...target(), secrets: {} }, 'open', signal);
    const fill = async () => {
      for (let n = 0; n < 12; n++) await options.store.put(`packs/fill-${n}`, randomBytes(8 * MiB), signal);
    };
    await expect(fill()).rejects.toMatchObject({ code: 'NO_SPACE' });
    for await (const { key } of options.store.list('packs/', signal)) await options.store.delete(key, signal);
    expect(await check(target({ spec: { store: { ...store, sizeBytes: 128 * MiB } } }))).toMatchObject({
      name: 'report-backup-target-checked',
    });
    expect((await pool.volumes.inspect({ pool: 'test', name: store.dataset }, run))?.sizeBytes).toBe(128 * MiB);
  });

  test('is not made anew when it is gone', async () => {
    const known = await check(target());
    const { repository } = known.input as { readonly repository: string };
    const path = (await pool.volumes.inspect({ pool: 'test', name: store.dataset }, run))?.path ?? '';
    await pool.volumes.destroy({ pool: 'test', name: store.dataset }, { scrub: false }, run);
    expect(await check(target({ repository, isThere: true }))).toMatchObject({
      name: 'report-backup-target-check-failed',
      input: { problem: { code: 'MISSING' } },
    });
    expect(existsSync(path)).toBe(false);
  });
});
