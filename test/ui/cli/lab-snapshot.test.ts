/** The command line on the lab as a file: saved over the API, read back, inspected and restored by `floatlabd`. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LabSnapshotReport } from '#io/contract/lab-snapshot.ts';
import type { World } from '#ui/cli/world.ts';
import { FakeServer } from './fake-server.ts';
import { emptyHome } from './home.ts';
import { now, run, type Run, type Setting } from './test-world.ts';

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

const route = 'GET /api/v1/cluster/snapshot';
const report: LabSnapshotReport = {
  file: 'x',
  sizeBytes: 5 * 2 ** 20,
  isWhole: true,
  problems: [],
  about: {
    format: 1,
    version: '0.1.0',
    lab: 'lab-1',
    name: 'home',
    generation: 2,
    index: 812,
    entry: 900,
    at: now - 3_600_000,
    savedAt: now,
    savedBy: 'atlas',
    hash: 'ab'.repeat(32),
    lacking: [],
  },
  counts: { nodes: 3, apps: 1, volumes: 2, blobs: 4 },
};

function daemon(code: number, said: unknown): { readonly runs: string[][]; readonly daemon: World['daemon'] } {
  const runs: string[][] = [];
  return {
    runs,
    daemon: async (args, output) => {
      runs.push([...args, output]);
      return { code, stdout: typeof said === 'string' ? said : JSON.stringify(said) };
    },
  };
}

const floatlab = (command: string, setting: Setting = {}): Promise<Run> =>
  run(command.split(' '), { server: lab.url, cwd, ...setting });

describe('floatlab cluster snapshot save', () => {
  test('writes what the lab sends, for its owner alone, and reads it back', async () => {
    lab.on(route, { text: 'all of it' });
    const { runs, ...setting } = daemon(0, report);
    const { code, out } = await floatlab('cluster snapshot save lab.tar', setting);
    expect(code).toBe(0);
    expect(out).toContain('3 nodes, 1 app, 2 volumes, 4 files of apps');
    expect(out).toContain('home (lab-1), generation 2');
    expect(await readFile(join(cwd, 'lab.tar'), 'utf8')).toBe('all of it');
    expect((await stat(join(cwd, 'lab.tar'))).mode & 0o777).toBe(0o600);
    expect(runs).toEqual([['--inspect', join(cwd, 'lab.tar.part'), 'take']]);
  });

  test('keeps nothing of what did not come whole', async () => {
    lab.on(route, { text: 'half of it' });
    const broken = { ...report, isWhole: false, problems: [{ part: 'checksums', explain: 'It is missing.' }] };
    const { code, err } = await floatlab('cluster snapshot save lab.tar', daemon(1, broken));
    expect(code).toBe(1);
    expect(err).toContain('It is missing');
    lab.problem(route, 'NOT_NOW', 'This node still fetches its history.');
    expect(await floatlab('cluster snapshot save lab.tar', daemon(0, report))).toMatchObject({ code: 5 });
    lab.on(route, { text: 'short', headers: { 'content-length': '50' } });
    expect((await floatlab('cluster snapshot save lab.tar', daemon(0, report))).code).toBeGreaterThan(0);
    expect(await readdir(cwd)).toEqual([]);
  });

  test('replaces no file', async () => {
    await writeFile(join(cwd, 'lab.tar'), 'an older one');
    const { code, err } = await floatlab('cluster snapshot save lab.tar');
    expect([code, err]).toEqual([5, expect.stringContaining('There is already a file lab.tar')]);
    expect(await readFile(join(cwd, 'lab.tar'), 'utf8')).toBe('an older one');
    expect(lab.heard).toEqual([]);
  });
});

describe('floatlab cluster snapshot inspect', () => {
  test('needs no lab, and says what is in the file', async () => {
    const { code, out } = await run(['cluster', 'snapshot', 'inspect', 'lab.tar'], { cwd, ...daemon(0, report) });
    expect(code).toBe(0);
    expect(out).toMatch(/until\s+event 812, of .* \(1 h ago\)/);
    expect(out).toMatch(/whole\s+yes/);
    const json = await run(['cluster', 'snapshot', 'inspect', 'lab.tar', '-o', 'json'], { cwd, ...daemon(0, report) });
    expect(JSON.parse(json.out)).toMatchObject({ about: { index: 812, savedAt: '2026-11-21T12:00:00.000Z' } });
  });

  test('ends with 1 for a damaged one, and says where', async () => {
    const { about: _, counts: __, ...rest } = report;
    const damaged = { ...rest, isWhole: false, problems: [{ part: 'history/1.segment', explain: 'At byte 12: cut.' }] };
    const { code, out } = await floatlab('cluster snapshot inspect lab.tar', daemon(1, damaged));
    expect(code).toBe(1);
    expect(out).toContain('history/1.segment: At byte 12: cut.');
    const none = await floatlab('cluster snapshot inspect lab.tar', daemon(1, ''));
    expect([none.code, none.err]).toEqual([1, expect.stringContaining('was not inspected')]);
  });
});

describe('floatlab cluster recover', () => {
  test('is done by floatlabd on the data of this machine, on this terminal', async () => {
    const { runs, ...setting } = daemon(0, '');
    const { code } = await floatlab('cluster recover --data lab --recovery-key-file key --node-off vega lyra', setting);
    expect(code).toBe(0);
    const args = ['--recover', '--data', join(cwd, 'lab'), '--recovery-key-file', join(cwd, 'key')];
    expect(runs).toEqual([[...args, '--node-off', 'vega', '--node-off', 'lyra', 'show']]);
    expect((await floatlab('cluster recover', daemon(1, ''))).code).toBe(1);
  });
});

describe('floatlab cluster snapshot restore', () => {
  test('is done by floatlabd, on this terminal', async () => {
    const { runs, ...setting } = daemon(0, '');
    const more = '--recovery-key-file key --name atlas --node-off atlas vega --generation 7';
    const { code } = await floatlab(`cluster snapshot restore lab.tar --data lab ${more}`, setting);
    expect(code).toBe(0);
    expect(runs).toEqual([
      [
        ...['--restore', join(cwd, 'lab.tar'), '--data', join(cwd, 'lab'), '--recovery-key-file', join(cwd, 'key')],
        ...['--name', 'atlas', '--node-off', 'atlas', '--node-off', 'vega', '--generation', '7', 'show'],
      ],
    ]);
    expect((await floatlab('cluster snapshot restore lab.tar --data lab', daemon(1, ''))).code).toBe(1);
    expect((await floatlab('cluster snapshot restore lab.tar')).code).toBe(2);
  });
});
