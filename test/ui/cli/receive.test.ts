/** Bytes from the lab that break off: where, and why, as the node says that was asked. */
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { problemOf } from '#io/contract/problem.ts';
import { FakeServer } from './fake-server.ts';
import { emptyHome } from './home.ts';
import { run, type Run } from './test-world.ts';

let lab: FakeServer;
let cwd: string;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(async () => {
  lab.forget();
  cwd = await emptyHome();
});

const floatlab = (command: string): Promise<Run> => run(command.split(' '), { server: lab.url, cwd });
const files = 'GET /api/v1/volumes/default/photos/files';
const content = 'GET /api/v1/volumes/default/photos/files/content';
const self = { kind: 'file', sizeBytes: 112, mode: 0o644, uid: 0, gid: 0, modifiedAt: 0 };
const there = { json: { self, items: [], index: 812 } };

test('a file that breaks off because its node has died is kept in no part, and the node is named', async () => {
  let asked = 0;
  const gone = problemOf('ENGINE_UNREACHABLE', 'Node vega is down: what is there is out of reach.', {
    hint: 'Bring vega back.',
  });
  lab.on(files, () => (asked++ === 0 ? there : { status: 503, json: gone }));
  lab.on(content, { text: 'half of it ..', breaksOff: true });
  const { code, err } = await floatlab('files get photos letter');
  expect(err).toBe(
    'error: letter broke off after 13 B. Node vega is down: what is there is out of reach (CUT_OFF)\n' +
      'hint:  Bring vega back.\n',
  );
  expect(code).toBe(1);
  expect(await readdir(cwd)).toEqual([]);
});

test('one that breaks off for no reason that anybody knows can be tried again', async () => {
  lab.on(files, there).on(content, { text: 'half of it ..', breaksOff: true });
  const { code, out, err } = await floatlab('files get photos letter --file -');
  expect([code, out]).toEqual([1, 'half of it ..']);
  expect(err).toBe('error: letter broke off after 13 B (CUT_OFF)\nhint:  Try again.\n');
});

test('of a node that was asked and is gone itself it is said that it does not answer', async () => {
  let asked = 0;
  lab.on(files, () => (asked++ === 0 ? there : 'hang up')).on(content, { text: 'half', breaksOff: true });
  const { code, err } = await floatlab('files get photos letter');
  expect([code, err]).toEqual([8, expect.stringMatching(/^error: http:\/\/127\.0\.0\.1:\d+ does not answer/)]);
});
