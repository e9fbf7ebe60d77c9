/** Files of a real btrfs volume: read from a snapshot, compared, brought back, and imported by the work of an agent. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asIndex } from '#events/envelope.ts';
import { Handover } from '#io/agent/handover.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { transferWorkers } from '#io/agent/workers/transfers.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realTree } from '#io/devices/tree/real.ts';
import { call, cutAt, never, plan, textOf } from '#test/contracts/tree.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

const of = { pool: 'test', name: 'v1' };
const other = { pool: 'test', name: 'v2' };

describeReal('files of btrfs volumes', missingBtrfs(), () => {
  let pool: TempPool;
  beforeAll(async () => {
    pool = await tempPool();
  });
  afterAll(() => pool.dispose());

  test('come back from a snapshot, and go from one volume to another by an import that is all or nothing', async () => {
    const { volumes } = pool;
    const { path } = await volumes.create(of, { sizeBytes: 64 * 2 ** 20 }, call());
    await mkdir(join(path, 'd'));
    await writeFile(join(path, 'd', 'f'), 'first');
    await volumes.snapshot(of, 's', call());
    await rm(join(path, 'd'), { recursive: true });
    await writeFile(join(path, 'new'), 'new');
    const snapshot = await volumes.snapshotPath(of, 's', call());
    expect(await textOf(realTree.read(snapshot, 'd/f', { from: 0, to: 100 }, never))).toBe('first');
    const { items } = await realTree.diff(snapshot, path, { path: '', limit: 10, content: false }, call());
    expect(items.map(({ change, path: one }) => `${change} ${one}`)).toEqual(['removed d', 'added new']);
    await realTree.restore(snapshot, path, plan({ paths: ['d'] }), call());
    expect(await readFile(join(path, 'd', 'f'), 'utf8')).toBe('first');

    const { path: target } = await volumes.create(other, { sizeBytes: 64 * 2 ** 20 }, call());
    await writeFile(join(target, 'own'), 'own');
    const handover = new Handover(realClock);
    const ports = { volumes, tree: realTree, handover } as unknown as Ports;
    const run = { ...call(), fence() {} } as unknown as Run;
    const importing = (id: string) =>
      transferWorkers['import-files'](
        {
          ...{ work: 'import-files', subject: `transfer:${id}`, visit: 1, node: 'node:a', epoch: asIndex(1) },
          ...{ cause: 'c', correlation: 'c', input: { pool: 'test', dataset: 'v2', replace: true, before: id } },
        },
        ports,
        run,
      );
    const cut = handover.give('one', cutAt(realTree.pack(snapshot, '', never), 3000), never);
    cut.catch(() => {});
    expect(await importing('one')).toMatchObject({ name: 'report-transfer-failed' });
    expect(await readFile(join(target, 'own'), 'utf8')).toBe('own');
    expect(await volumes.snapshots(other, call())).toEqual([]);

    const whole = handover.give('two', realTree.pack(snapshot, '', never), never);
    expect(await importing('two')).toMatchObject({ name: 'report-transfer-finished', input: { files: 1 } });
    await whole;
    expect(await readFile(join(target, 'd', 'f'), 'utf8')).toBe('first');
    expect((await volumes.snapshots(other, call())).map(({ name }) => name)).toEqual(['two']);
  });
});
