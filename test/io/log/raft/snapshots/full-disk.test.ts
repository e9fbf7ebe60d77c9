/** A real process whose real files cannot grow any further: the kernel refuses the write, as on a full disk. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openHistory } from '#io/log/raft/history/open.ts';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { SnapshotPointer } from '#io/log/raft/storage.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { described, entries, readAll as historyIn } from '../history/samples.ts';
import { digestOf, readAll, someRows } from './samples.ts';

/** Writes until it is refused, and tells what happened as JSON. */
const writer = `
  process.on('SIGXFSZ', () => undefined); // else the limit kills instead of refusing
  const at = (path) => import(new URL(path, process.env.ROOT).href);
  const { SnapshotFiles } = await at('src/io/log/raft/snapshots/snapshot-files.ts');
  const { beginHistory } = await at('src/io/log/raft/history/open.ts');
  const { firstHead } = await at('src/io/log/raft/history/head.ts');
  const { openDirectory } = await at('src/io/stores/directory-real.ts');
  const { each, metaAt, someRows } = await at('test/io/log/raft/snapshots/samples.ts');
  const { entries } = await at('test/io/log/raft/history/samples.ts');
  const files = await SnapshotFiles.open(await openDirectory(process.env.DIR + '/snapshots'));
  const pointer = await files.write(metaAt(10), each(someRows(1, 300_000)));
  const codeOf = (error) => error.code + ' ' + error.cause.code;
  const failed = await files.write(metaAt(20), each(someRows(2, 900_000))).catch(codeOf);
  const later = await files.write(metaAt(21), each([])).catch(codeOf);
  const { history } = await beginHistory(await openDirectory(process.env.DIR + '/history'), firstHead);
  let acknowledged = 0;
  let refused;
  for (let index = 1; !refused; index += 10) {
    try {
      await history.append(entries(index, index + 9));
      if (index % 3 === 0) acknowledged = await history.sync();
    } catch (error) {
      refused = codeOf(error);
    }
  }
  const laterSync = await history.sync().catch(codeOf);
  console.log(JSON.stringify({ pointer, failed, later, acknowledged, refused, laterSync }));
`;

test('a disk that takes no more ends writing for good; what was acknowledged is there at the next start', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-full-'));
  const root = new URL('../../../../../', import.meta.url).href;
  const child = spawn(
    'prlimit',
    ['--fsize=500000:unlimited', process.execPath, '--import', 'tsx', '--input-type=module', '-e', writer],
    { env: { ...process.env, ROOT: root, DIR: dir }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  const told = JSON.parse(output) as { readonly pointer: SnapshotPointer; readonly acknowledged: number };
  const refused = 'FAILED EFBIG';
  expect(told).toMatchObject({ failed: refused, later: refused, refused, laterSync: refused });
  expect(told.acknowledged).toBeGreaterThan(1000);

  const files = await SnapshotFiles.open(await openDirectory(join(dir, 'snapshots')));
  expect(await readAll(files, told.pointer)).toBe(digestOf(someRows(1, 300_000)));
  expect(await readdir(join(dir, 'snapshots'))).toEqual([told.pointer.file]);
  await files.close();
  const { history } = await openHistory(await openDirectory(join(dir, 'history')), told);
  expect(history.last).toBeGreaterThanOrEqual(told.acknowledged);
  expect(await historyIn(history)).toEqual(described(entries(1, history.last)));
  await history.close();
  await rm(dir, { recursive: true });
}, 60_000);
