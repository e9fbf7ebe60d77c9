/** `floatlab why` against the real API of a simulated lab: what it says of what runs, waits, and is wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { openSimulatedLab } from '#io/daemon/simulated-lab.ts';
import { readSettings } from '#io/daemon/settings.ts';
import type { RunningDaemon } from '#io/daemon/main.ts';
import type { WhyAnswer } from '#io/contract/why.ts';
import { emptyHome } from './home.ts';
import { lines, run, type Run, type Setting } from './test-world.ts';

let daemon: RunningDaemon;
let home: string;
let folder: string;

beforeAll(async () => {
  const parsed = readSettings(['--simulate', '3', '--listen', '127.0.0.1:0', '--no-sample'], {}, 1000);
  if (!('settings' in parsed)) throw new Error('the settings of the test are wrong');
  daemon = await openSimulatedLab(parsed.settings, {
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    onBroken: (error) => {
      throw error;
    },
  });
  const welcome = daemon.welcome.join('\n');
  const url = /http:\S+/.exec(welcome)?.[0] ?? '';
  const password = /password +(\S+)/.exec(welcome)?.[1] ?? '';
  home = await emptyHome();
  folder = join(home, 'photos');
  await mkdir(folder);
  const compose = 'services:\n  web:\n    image: nginx:1.27\n    volumes: ["db:/data"]\nvolumes:\n  db: {}\n';
  await writeFile(join(folder, 'compose.yaml'), compose);
  await floatlab(`login ${url} --password-stdin`, { stdin: `${password}\n` });
  await floatlab('up --yes --timeout 2m');
});
afterAll(() => daemon.stop());

const floatlab = (words: string, setting: Setting = {}): Promise<Run> =>
  run(words.split(' ').filter(Boolean), { home, cwd: folder, ...setting });

const whyJson = async (words: string): Promise<WhyAnswer> =>
  JSON.parse((await floatlab(`why ${words} -o json`)).out) as WhyAnswer;

describe('why', () => {
  test('an app runs where it does: what was decided, on what evidence, after whose word', async () => {
    const { code, out } = await floatlab('why app photos');
    expect(code).toBe(0);
    const [standing = '', ...told] = lines(out);
    expect(standing).toMatch(/^app photos is running on \w+ \(epoch \d+\), for /);
    expect(told.find((line) => line.includes('was assigned to'))).toMatch(/└ .* \(placement\)$/);
    expect(out).toContain('rule: most free');
    expect(out).toContain('refused does not hold the volumes of the app');
    expect(Math.max(...lines(out).map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(out).toContain('admin asked to deploy app photos.');
    const answer = await whyJson('app photos');
    const indexes = [...answer.because.flatMap((one) => [one, ...one.ledBy]), ...answer.lately].map(
      ({ index }) => index,
    );
    expect(new Set(indexes).size).toBe(indexes.length);
    expect(answer).toMatchObject({ kind: 'app', state: 'running', waits: null, troubles: [], work: [] });
  });

  test('is answered for volumes, snapshots, nodes, pools and ids, by the name alone where it is the only one', async () => {
    await floatlab('volume snapshot photos-db --as monday');
    const node = (await whyJson('photos-db')).node ?? '';
    for (const [words, said] of [
      ['photos-db', /^volume photos-db is ready on \w+/],
      ['default/photos-db', /^volume photos-db is ready on \w+/],
      ['photos-db@monday', /^snapshot monday is available/],
      [`node ${node}`, /^node \w+ is up/],
      [`${node}/main`, /^pool main is online on \w+/],
      [(await whyJson('photos-db')).id, /^volume photos-db is ready/],
    ] as const) {
      expect((await floatlab(`why ${words}`)).out, words).toMatch(said);
    }
    expect((await floatlab('why photos-db -q')).out).toBe('ready\n');
  });

  test('says what is not there, and which are meant when several have one name', async () => {
    expect(await floatlab('why nothing')).toMatchObject({ code: 4, err: expect.stringContaining('volume@snapshot') });
    expect((await floatlab('why thing photos')).err).toContain('there is no kind thing');
    expect((await floatlab('why one two three')).code).toBe(2);
    await floatlab('volume create photos --size 1GiB');
    const { code, err } = await floatlab('why photos');
    expect(code).toBe(2);
    expect(err).toContain('Say which: app or volume.');
    expect((await floatlab('why volume photos')).out).toMatch(/^volume photos is ready/);
  });
});
