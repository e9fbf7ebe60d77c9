/** A lab comes back from its snapshot: whole, or not at all, whenever the power fails. */
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { beginOf } from '#io/daemon/cluster/begin.ts';
import { authorityOf } from '#io/daemon/cluster/keys.ts';
import { readRecoveryNote } from '#io/daemon/cluster/recovery-note.ts';
import { refuseHalfRestored, restoreLab, type RestoreOptions } from '#io/daemon/cluster/restore.ts';
import { readNodeIni } from '#io/daemon/node-ini.ts';
import { readLab } from '#io/daemon/read-lab.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { openStorage } from '#io/log/raft/open.ts';
import { makeRecoveryKey } from '#io/pki/recovery-key.ts';
import { openBlobs } from '#io/stores/blobs.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import { sampleLab, savedTo, type SampleLab } from '#test/io/lab-snapshot/sample-lab.ts';

const log = pino({ level: 'silent' });
let folder: string;
let sample: SampleLab;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-restore-'));
  sample = await sampleLab(join(folder, 'lab'), ['vega', 'polaris']);
  file = await savedTo(join(folder, 'lab.tar'), sample);
});
afterAll(async () => {
  await sample.close();
  await rm(folder, { recursive: true });
});

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-restored-'));
  await writeFile(join(dataDir, 'lock'), '');
});
afterEach(() => rm(dataDir, { recursive: true }));

const everybody = ['a', 'vega', 'polaris'];

function restore(more: Partial<RestoreOptions> = {}): { readonly said: string[]; readonly done: Promise<void> } {
  const said: string[] = [];
  const options: RestoreOptions = {
    file,
    dataDir,
    node: 'a',
    hostName: 'new-machine',
    generation: undefined,
    nodesOff: everybody,
    by: 'root',
    random: realRandom,
    recoveryKey: () => Promise.resolve({ typed: sample.recoveryKey, canTryAgain: false }),
    confirm: () => Promise.resolve(undefined),
    say: (line) => said.push(line),
    step: () => {},
    ...more,
  };
  return { said, done: restoreLab(options) };
}

/** It is the lab, and a node of it that may start. */
async function expectRestored(generation = 5): Promise<void> {
  await refuseHalfRestored(dataDir);
  const ini = await readNodeIni(dataDir);
  expect(ini).toMatchObject({
    node: { id: 'a', name: 'a', isWitness: false },
    lab: { id: 'lab-of-tests', generation, wasJoined: false },
    admin: { passwordWasShown: false },
  });
  const incarnation = ini?.node.incarnation ?? '';
  expect(await beginOf(dataDir, incarnation, false)).toEqual({ begins: 'open' });
  const lab = await readLab(dataDir, log);
  expect([lab.index, lab.versions()]).toEqual([sample.lab.index, sample.lab.versions()]);
  expect(await authorityOf(dataDir)).toBeDefined();
  const blobs = openBlobs({ dir: join(dataDir, 'blobs'), key: ini?.lab.dataKey ?? new Uint8Array() });
  const texts = await Promise.all(
    (await blobs.list()).map(async (ref) => Buffer.from(await blobs.get(ref)).toString()),
  );
  expect(texts.toSorted()).toEqual(['PASSWORD=hunter2', 'services: {}']);
  expect(await readRecoveryNote(dataDir)).toMatchObject({
    generation,
    by: 'root',
    lost: { keptIndex: sample.lab.index },
    missingNodes: [
      { name: 'polaris', saidOffBy: 'root' },
      { name: 'vega', saidOffBy: 'root' },
    ],
    survivor: { node: 'node:a', incarnation },
  });
  const opened = await openStorage({
    store: await openLevel(join(dataDir, 'log', 'raft')),
    directory: await openDirectory(join(dataDir, 'log', 'watermark')),
  });
  await opened.storage.close();
  expect(opened.findings).toEqual([]);
  expect(opened.identity).toMatchObject({ cluster: 'lab-of-tests', generation, node: 'a', incarnation });
  expect(opened.start).toMatchObject({ snapshot: { configuration: { voters: [`a.${incarnation}`] } }, entries: [] });
}

describe('a restore', () => {
  test('brings the whole lab back, on one node, in the next generation', async () => {
    // What every file system of its own begins with.
    await mkdir(join(dataDir, 'lost+found'));
    // Where it is run on a terminal, its own log is there before it begins.
    await writeFile(join(dataDir, 'floatlabd.log'), '{}\n');
    const { said, done } = restore();
    await done;
    await expectRestored();
    expect(said.join('\n')).toContain('What happened after that event is lost');
    expect(said.join('\n')).toContain('as generation 5, with this machine as node a');
    expect((await readdir(dataDir)).toSorted()).toEqual(
      [
        'blobs',
        'db',
        'floatlabd.log',
        'incarnation',
        'lock',
        'log',
        'lost+found',
        'node.ini',
        'recovery.json',
        'tls',
      ].toSorted(),
    );
  });

  test('asks for every machine, and whose place this one takes, and for the key until it is right', async () => {
    const asked: string[] = [];
    const typed = [makeRecoveryKey(), 'K7RM', sample.recoveryKey];
    const { said, done } = restore({
      node: undefined,
      hostName: 'a',
      nodesOff: [],
      confirm: async (question) => asked.push(question) > 0,
      recoveryKey: async () => ({ typed: typed.shift() ?? '', canTryAgain: true }),
    });
    await done;
    expect(asked).toEqual([
      'Is this the machine of node a, or is that one switched off, and does it stay so?',
      'Is the machine of node polaris switched off, and does it stay so?',
      'Is the machine of node vega switched off, and does it stay so?',
      'Restore lab lab here, as node a?',
    ]);
    expect(said.filter((line) => /recovery key/.test(line))).toHaveLength(2);
    await expectRestored();
  });

  test('goes higher than a recovery that the snapshot does not know of', async () => {
    await restore({ generation: 9 }).done;
    await expectRestored(9);
    await expect(restore({ dataDir: await emptyDir(), generation: 4 }).done).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('cannot be of generation 4'),
    });
  });

  const emptyDir = async (): Promise<string> => {
    const dir = join(dataDir, 'another');
    await mkdir(dir);
    return dir;
  };
});

describe('a restore is refused, and changes nothing,', () => {
  afterEach(async () => {
    expect((await readdir(dataDir)).filter((name) => !['lock', 'photo.jpg', 'node.ini'].includes(name))).toEqual([]);
  });

  test.each(['photo.jpg', 'node.ini'])('where there is something already: %s', async (name) => {
    await writeFile(join(dataDir, name), '');
    await expect(restore().done).rejects.toMatchObject({ code: 'EXISTS' });
  });

  test('with the key of another lab, or one that is mistyped', async () => {
    const key = (typed: string) => ({ recoveryKey: async () => ({ typed, canTryAgain: false }) });
    await expect(restore(key(makeRecoveryKey())).done).rejects.toMatchObject({ code: 'WRONG_KEY' });
    await expect(restore(key(sample.recoveryKey.slice(0, -5))).done).rejects.toMatchObject({ code: 'CUT_SHORT' });
  });

  test('from a damaged file, which says where', async () => {
    const bytes = await readFile(file);
    bytes[20_000] = (bytes[20_000] ?? 0) ^ 1;
    await writeFile(join(folder, 'damaged.tar'), bytes);
    await expect(restore({ file: join(folder, 'damaged.tar') }).done).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(/history\/\d+\.segment: At byte/),
    });
  });

  test('while nobody says that a machine is off', async () => {
    await expect(restore({ nodesOff: ['a', 'vega'] }).done).rejects.toMatchObject({
      hint: expect.stringContaining('--node-off polaris'),
    });
    await expect(restore({ nodesOff: ['vega', 'polaris'] }).done).rejects.toMatchObject({
      hint: expect.stringContaining('--node-off a'),
    });
    await expect(restore({ nodesOff: [...everybody, 'rigel'] }).done).rejects.toMatchObject({
      message: expect.stringContaining('no other node rigel'),
    });
  });

  test('when it is not said which of several nodes this machine becomes', async () => {
    await expect(restore({ node: undefined }).done).rejects.toMatchObject({
      hint: expect.stringContaining('one of a, polaris, vega'),
    });
    await expect(restore({ node: 'rigel' }).done).rejects.toMatchObject({ message: 'the lab has no node rigel' });
  });
});

describe('a crash', () => {
  const steps: string[] = [];
  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'floatlab-steps-'));
    await restore({ dataDir: dir, step: (what) => steps.push(what) }).done;
    await rm(dir, { recursive: true });
  });

  test('between any two steps of a restore leaves nothing that starts, and the next try brings the lab', async () => {
    expect(steps.length).toBeGreaterThan(10);
    for (const last of steps) {
      await rm(dataDir, { recursive: true });
      await mkdir(dataDir);
      const crash = (what: string): void => {
        if (what === last) throw new Error(`crashed before: ${what}`);
      };
      await expect(restore({ step: crash }).done).rejects.toThrow('crashed');
      if (last === 'tidy up') await expectRestored();
      else {
        const left = await readdir(dataDir);
        const isNothing = left.length === 0;
        if (!isNothing) await expect(refuseHalfRestored(dataDir)).rejects.toMatchObject({ code: 'INVALID' });
        await restore().done;
        await expectRestored();
      }
    }
  });

  test('in the middle of a step, and one of the next try, too', async () => {
    const changing = join(folder, 'changing.tar');
    const bytes = await readFile(file);
    const turned = Buffer.from(bytes);
    turned[20_000] = (turned[20_000] ?? 0) ^ 1;
    for (const changed of [bytes.subarray(0, bytes.length / 2), turned]) {
      await writeFile(changing, bytes);
      const step = (what: string): void => {
        if (what === 'unpack') writeFileSync(changing, changed);
      };
      await expect(restore({ file: changing, step }).done).rejects.toMatchObject({
        code: 'DAMAGED',
        message: expect.stringContaining('changing.tar is damaged'),
      });
      expect(await readdir(dataDir)).toContain('restoring');
      await expect(refuseHalfRestored(dataDir)).rejects.toMatchObject({ code: 'INVALID' });
    }
    await restore().done;
    await expectRestored();
  });
});
