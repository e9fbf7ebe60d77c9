import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { condemning, openStateStore } from '#io/daemon/databases.ts';
import { toBytes } from '#io/lab/bytes.ts';
import { StoreError } from '#io/stores/port.ts';

test('a state database whose files LevelDB itself finds damaged is not opened again, but made anew', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'floatlab-databases-'));
  const log = pino({ level: 'silent' });
  const [key, value] = [toBytes('key'), toBytes('value')];
  const first = await openStateStore(dataDir, log);
  await first.stateStore.batch([{ put: key, value }], { sync: true });
  await first.stateStore.close();
  const second = await openStateStore(dataDir, log);
  expect(await second.stateStore.get(key)).toEqual(Buffer.from(value));
  let isMarked = false;
  const refusing = condemning(
    {
      ...second.stateStore,
      batch: () => Promise.reject(new StoreError('DAMAGED', 'a table is no table', 'Look at the disk.')),
    },
    async () => void (isMarked = true),
  );
  await expect(refusing.batch([], { sync: false })).rejects.toMatchObject({ code: 'DAMAGED' });
  expect(isMarked).toBe(true);
  await second.stateStore.close();
  // As the mark of the daemon that had to end.
  await writeFile(join(dataDir, 'db', 'state.damaged'), '');
  const third = await openStateStore(dataDir, log);
  expect(await third.stateStore.get(key)).toBeUndefined();
  await third.stateStore.batch([{ put: key, value }], { sync: true });
  await third.stateStore.close();
  const fourth = await openStateStore(dataDir, log);
  expect(await fourth.stateStore.get(key)).toEqual(Buffer.from(value));
  await fourth.stateStore.close();
  await rm(dataDir, { recursive: true });
});

test('a daemon that died three times soon after it had begun begins without the files of its state', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'floatlab-databases-'));
  const log = pino({ level: 'silent' });
  const [key, value] = [toBytes('key'), toBytes('value')];
  const first = await openStateStore(dataDir, log);
  await first.stateStore.batch([{ put: key, value }], { sync: true });
  await first.stateStore.close();
  const starts = join(dataDir, 'db', 'state.starts');
  // As a start leaves it that was not ended; the second one is no reason yet.
  for (const [died, isThere] of [
    [2, true],
    [3, false],
  ] as const) {
    await writeFile(starts, `${died}\n`);
    const { stateStore } = await openStateStore(dataDir, log);
    expect((await stateStore.get(key)) !== undefined).toBe(isThere);
    expect(await readFile(starts, 'utf8')).toBe(`${died + 1}\n`);
    await stateStore.close();
    await expect(readFile(starts)).rejects.toMatchObject({ code: 'ENOENT' });
  }
  await rm(dataDir, { recursive: true });
});
