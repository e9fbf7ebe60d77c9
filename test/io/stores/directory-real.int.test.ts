/** What a real directory asks of the operating system, and in which order: only that survives a power cut. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { describeReal } from '#test/real.ts';

const program = `
  const { openDirectory } = await import(new URL('src/io/stores/directory-real.ts', process.env.ROOT).href);
  const directory = await openDirectory(process.env.DIR + '/files');
  const bytes = Uint8Array.of(1);
  await directory.replace('replaced', bytes);
  await directory.writeAt('written', 0, bytes);
  await directory.sync('written');
  await directory.writeAt('written', 1, bytes);
  await directory.sync('written');
  await directory.rename('written', 'renamed');
  await directory.delete('replaced');
`;

const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

describeReal('A real directory', canTrace ? undefined : 'strace that may trace', () => {
  test('syncs bytes before it names them, and names before it says so', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'floatlab-directory-'));
    const trace = join(dir, 'trace');
    const calls = 'trace=fsync,fdatasync,rename,unlink,pwrite64,write,mkdir';
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', program];
    const env = { ...process.env, ROOT: new URL('../../../', import.meta.url).href, DIR: dir };
    const running = spawn('strace', ['-f', '-y', '-qq', '-e', calls, '-o', trace, ...node], { env, stdio: 'inherit' });
    expect(await new Promise((resolve) => running.once('close', resolve))).toBe(0);
    expect(callsIn(await readFile(trace, 'utf8'), dir)).toEqual([
      'mkdir files',
      'fsync .',
      'write ~replaced',
      'fsync ~replaced',
      'rename ~replaced to replaced',
      'fsync files',
      'write written',
      'fdatasync written',
      'fsync files',
      'write written',
      'fdatasync written',
      'rename written to renamed',
      'fsync files',
      'unlink replaced',
      'fsync files',
    ]);
    await rm(dir, { recursive: true });
  }, 60_000);
});

/** Those that touch the directory: what was done, and to which file. */
function callsIn(trace: string, dir: string): readonly string[] {
  const name = (path: string) => (path === dir ? '.' : basename(path));
  return trace
    .split('\n')
    .filter((line) => line.includes(dir) && !/ENOENT|trace|resumed/.test(line))
    .map((line) => {
      const call = /^\d+ +(\w+)\(/.exec(line)?.[1] ?? line;
      const paths = [...line.matchAll(/["<](\/[^">]+)[">]/g)].map(([, path]) => name(path as string));
      return `${call.replace('pwrite64', 'write')} ${paths.join(' to ')}`;
    });
}
