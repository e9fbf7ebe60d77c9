/** A node goes on alone, and can sign for those that join it, whether it voted or not; whenever the power fails. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { authorityOf } from '#io/daemon/cluster/keys.ts';
import { recoverLab, type RecoverOptions } from '#io/daemon/cluster/recover.ts';
import { readRecoveryNote } from '#io/daemon/cluster/recovery-note.ts';
import { restoreLab } from '#io/daemon/cluster/restore.ts';
import { readNodeIni, writeNodeIni } from '#io/daemon/node-ini.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { openStorage } from '#io/log/raft/open.ts';
import { createAuthority } from '#io/pki/ca.ts';
import { makeRecoveryKey } from '#io/pki/recovery-key.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import { sampleLab, savedTo, type SampleLab } from '#test/io/lab-snapshot/sample-lab.ts';

const log = pino({ level: 'silent' });
let folder: string;
let sample: SampleLab;
/** A voter of a lab in generation 5, as it lies on its disk. */
let voter: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-recover-'));
  sample = await sampleLab(join(folder, 'lab'), ['vega']);
  voter = await mkdtemp(join(folder, 'voter-'));
  await restoreLab({
    file: await savedTo(join(folder, 'lab.tar'), sample),
    dataDir: voter,
    node: 'a',
    hostName: 'a',
    generation: undefined,
    nodesOff: ['a', 'vega'],
    by: 'root',
    random: realRandom,
    recoveryKey: async () => ({ typed: sample.recoveryKey, canTryAgain: false }),
    confirm: () => Promise.resolve(undefined),
    say: () => {},
    step: () => {},
  });
  await rm(join(voter, 'recovery.json'));
});
afterAll(async () => {
  await sample.close();
  await rm(folder, { recursive: true });
});

let dataDir: string;
/** As the voter, but without the key of the authority. */
beforeEach(async () => {
  dataDir = await mkdtemp(join(folder, 'node-'));
  await asLearner();
});
afterEach(() => rm(dataDir, { recursive: true }));
async function asLearner(): Promise<void> {
  await rm(dataDir, { recursive: true });
  await cp(voter, dataDir, { recursive: true });
  await rm(join(dataDir, 'tls', 'ca.key'));
}

const nobody = (): Promise<never> => Promise.reject(new Error('somebody was asked'));
const types = (typed: string) => ({ recoveryKey: async () => ({ typed, canTryAgain: false }) });

function recover(more: Partial<RecoverOptions> = {}): { readonly said: string[]; readonly done: Promise<void> } {
  const said: string[] = [];
  const done = recoverLab({
    dataDir,
    nodesOff: ['vega'],
    by: 'root',
    random: realRandom,
    log,
    confirm: () => Promise.resolve(undefined),
    recoveryKey: async () => ({ typed: sample.recoveryKey, canTryAgain: false }),
    say: (line) => said.push(line),
    step: () => {},
    ...more,
  });
  return { said, done };
}

/** @param least generation: each try that was begun may have taken one */
async function expectRecovered(least = 6): Promise<void> {
  const ini = await readNodeIni(dataDir);
  const { generation = 0 } = ini?.lab ?? {};
  const incarnation = ini?.node.incarnation ?? '';
  expect(generation).toBeGreaterThanOrEqual(least);
  expect((await authorityOf(dataDir))?.key).toBe(await readFile(join(voter, 'tls', 'ca.key'), 'utf8'));
  expect(await readRecoveryNote(dataDir)).toMatchObject({ generation, survivor: { node: 'node:a', incarnation } });
  const names = await readdir(dataDir);
  expect(names).not.toContain('log.recovering');
  expect(names).toContain(`log.before-generation-${generation}`);
  const opened = await openStorage({
    store: await openLevel(join(dataDir, 'log', 'raft')),
    directory: await openDirectory(join(dataDir, 'log', 'watermark')),
  });
  await opened.storage.close();
  expect(opened.identity).toMatchObject({ generation, node: 'a', incarnation });
  expect(opened.start).toMatchObject({ snapshot: { configuration: { voters: [`a.${incarnation}`] } } });
}

/** But for the state database, which is derived, and says when it was opened. */
async function everything(): Promise<readonly (readonly [string, string])[]> {
  const files = (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => !path.includes('/db/'));
  return Promise.all(paths.toSorted().map(async (path) => [path, await readFile(path, 'base64')] as const));
}

describe('a node that goes on alone', () => {
  test('signs for the lab with the key that it holds, and asks nobody', async () => {
    await cp(join(voter, 'tls'), join(dataDir, 'tls'), { recursive: true });
    const { done, said } = recover({ recoveryKey: nobody });
    await done;
    await expectRecovered();
    expect(said.join('\n')).not.toContain('recovery key');
  });

  test('gets that key from the sealed copy, with the recovery key, where it does not vote', async () => {
    const typed = [makeRecoveryKey(), 'K7RM', sample.recoveryKey];
    const { done, said } = recover({ recoveryKey: async () => ({ typed: typed.shift() ?? '', canTryAgain: true }) });
    await done;
    await expectRecovered();
    expect(said.filter((line) => /recovery key/.test(line))).toHaveLength(3);
  });

  test('also where the certificate of the authority is gone, or the key here is of another one', async () => {
    await rm(join(dataDir, 'tls', 'ca.crt'));
    await recover().done;
    await expectRecovered();
    await asLearner();
    const other = await createAuthority(Date.now());
    await writeFile(join(dataDir, 'tls', 'ca.key'), other.key, { mode: 0o600 });
    await recover().done;
    await expectRecovered();
  });
});

describe('nothing is changed', () => {
  async function expectRefused(more: Partial<RecoverOptions>, error: object): Promise<void> {
    const before = await everything();
    await expect(recover(more).done).rejects.toMatchObject(error);
    expect(await everything()).toEqual(before);
  }

  test('with a wrong or mistyped recovery key, or where nobody can be asked for it', async () => {
    await expectRefused(types(makeRecoveryKey()), { code: 'WRONG_KEY' });
    await expectRefused(types(sample.recoveryKey.slice(0, -5)), { code: 'CUT_SHORT' });
    await expectRefused({ recoveryKey: nobody }, { message: 'somebody was asked' });
  });

  test('without the sealed copy, or with one that is damaged, or of another lab', async () => {
    const sealed = join(dataDir, 'tls', 'recovery.sealed');
    const content = await readFile(sealed, 'utf8');
    await writeFile(sealed, content.slice(0, -100));
    await expectRefused({}, { code: 'DAMAGED' });
    await rm(sealed);
    await expectRefused({ recoveryKey: nobody }, { code: 'MISSING', message: expect.stringContaining('sealed copy') });
    await writeFile(sealed, content);
    await writeFile(join(dataDir, 'tls', 'ca.crt'), (await createAuthority(Date.now())).cert);
    await expectRefused({}, { code: 'DAMAGED', message: expect.stringContaining('not those of the authority') });
  });

  test('on a node that is out of the lab: no start could write down that the lab goes on from it', async () => {
    const ini = await readNodeIni(dataDir);
    if (!ini) throw new Error('there is no node.ini');
    await writeNodeIni(dataDir, { ...ini, node: { ...ini.node, id: 'removed' } });
    await expectRefused(
      { nodesOff: ['a', 'vega'] },
      { code: 'INVALID', message: expect.stringContaining('left the lab') },
    );
  });

  test('while nobody says that another machine is off', async () => {
    await expectRefused({ nodesOff: [] }, { hint: expect.stringContaining('--node-off vega') });
  });
});

test('a crash between any two steps leaves the node as it was, or a recovery that the next try brings to its end', async () => {
  const steps: string[] = [];
  await recover({ step: (what) => steps.push(what) }).done;
  expect(steps).toContain('keep the key of the authority');
  for (const last of steps) {
    await asLearner();
    const step = (what: string): void => {
      if (what === last) throw new Error(`crashed before: ${what}`);
    };
    const before = await readFile(join(dataDir, 'node.ini'), 'utf8');
    await expect(recover({ step }).done).rejects.toThrow('crashed');
    const isAsItWas = before === (await readFile(join(dataDir, 'node.ini'), 'utf8'));
    // A note would be recorded by a node that simply starts.
    if (isAsItWas) expect(await readRecoveryNote(dataDir)).toBeUndefined();
    // From then on it can sign: nobody is asked again.
    const isKept = (await authorityOf(dataDir)) !== undefined;
    if (!isAsItWas) expect(isKept).toBe(true);
    await recover(isKept ? { recoveryKey: nobody } : {}).done;
    await expectRecovered();
  }
});
