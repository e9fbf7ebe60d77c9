/** Paths of this machine, as somebody else left them. */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realPlaces } from '#io/devices/places/real.ts';
import { run } from '#io/devices/run.ts';
import { patient } from '#test/contracts/volumes.ts';

const places = realPlaces();
let folder: string;
let server: Server;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'floatlab-places-')));
  await mkdir(at('inner'));
  await writeFile(at('inner/file'), 'x'.repeat(10_000), { mode: 0o640 });
  await symlink('inner/file', at('link'));
  await symlink('nowhere', at('dangling'));
  await run('mkfifo', [at('pipe')], patient());
  server = createServer().listen(at('socket'));
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

test('what lies at a path is told, with where it really is and on which file system', async () => {
  expect(await places.look(at('inner'), patient())).toMatchObject({ what: 'folder', isShared: false });
  expect(await places.look(at('link'), patient())).toMatchObject({ what: 'file', path: at('inner/file') });
  for (const name of ['pipe', 'socket'])
    expect(await places.look(at(name), patient())).toMatchObject({ what: 'other' });
  for (const name of ['none', 'dangling', 'inner/file/below'])
    expect(await places.look(at(name), patient())).toBeUndefined();
  expect((await places.look('/proc', patient()))?.fileSystem).toBe('proc');
});

test('a plain file is read up to a size; nothing else is, and nothing makes us wait', async () => {
  expect(await places.read(at('link'), 10_000, patient())).toMatchObject({ mode: 0o640 });
  await expect(places.read(at('link'), 9999, patient())).rejects.toMatchObject({ code: 'INVALID' });
  for (const name of ['inner', 'pipe', 'socket', 'none'])
    expect(await places.read(at(name), 10_000, patient()), name).toBeUndefined();
});

test('folders are listed by name, and what is in them is counted', async () => {
  expect(await places.list(folder, patient())).toEqual(['dangling', 'inner', 'link', 'pipe', 'socket']);
  expect(await places.list(at('link'), patient())).toBeUndefined();
  const bytes = await places.size(at('inner'), patient());
  expect(bytes).toBeGreaterThanOrEqual(10_000);
  expect(await places.size(at('none'), patient())).toBeUndefined();
});
