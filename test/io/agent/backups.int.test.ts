/** The work on backups with real folders and a real server that speaks S3: files out of a folder, and into another one. */
import { chmod, link, mkdir, mkdtemp, open, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandInputs } from '#actors/commands.ts';
import { workOf } from '#actors/registry.ts';
import type { Principal, StreamId } from '#events/envelope.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { failureOf, workerOf } from '#io/agent/workers.ts';
import { contentOf } from '#io/agent/workers/backups.ts';
import { realTargets } from '#io/devices/backup/targets/real.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { asIoError } from '#io/devices/error.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { realTree } from '#io/devices/tree/real.ts';
import { TestLab } from '#test/actors/test-lab.ts';

let root: string;
let server: S3rver;
let port: number;
const secrets = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floatlab-backups-'));
  for (const name of ['data', 'usb', 's3']) await mkdir(join(root, name));
  await writeFile(join(root, 'data', 'a.txt'), 'first', { mode: 0o640 });
  await mkdir(join(root, 'data', 'd'));
  await link(join(root, 'data', 'a.txt'), join(root, 'data', 'd', 'link.txt'));
  await symlink('../a.txt', join(root, 'data', 'd', 'symlink'));
  await writeFile(Buffer.concat([Buffer.from(join(root, 'data', 'd')), Buffer.from([47, 0xe4, 0xff])]), 'no UTF-8');
  const sparse = await open(join(root, 'data', 'sparse.bin'), 'w');
  await sparse.write('in the middle', 3_000_000);
  await sparse.truncate(10_000_000);
  await sparse.close();
  await writeFile(join(root, 'data', 'big.bin'), Buffer.alloc(3_000_000, 'floatlab'));
  server = new S3rver({
    ...{ address: '127.0.0.1', port: 0, silent: true, directory: join(root, 's3'), serviceEndpoint: 'test' },
    configureBuckets: [{ name: 'backups' }],
  });
  ({ port } = await server.run());
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

const run = {
  signal: new AbortController().signal,
  ...{
    timeoutMs: 60_000,
    progress: () => {},
    fence: () => {},
    caughtUp: () => Promise.resolve(),
    report: () => Promise.resolve(),
  },
} as unknown as Run;

function labWith(key = 7) {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'photos', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('photos'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  const backups = realTargets({
    ...{
      self: 'node:atlas',
      clock: realClock,
      random: realRandom,
      by: 'atlas',
      key: () => new Uint8Array(32).fill(key),
    },
    volumes: {
      mount: () => {
        throw new Error('there is no pool');
      },
    },
    elsewhere: () => {
      throw new Error('there is no other node');
    },
  });
  const blobs = { get: async () => Buffer.from(JSON.stringify(secrets)) };
  const scratch = join(root, 'scratch');
  const volumes = {
    snapshotPath: async () => join(root, 'data'),
    create: async () => {
      await mkdir(scratch);
      return { path: scratch };
    },
    destroy: () => rm(scratch, { recursive: true, force: true }),
  };
  const ports = { volumes, tree: realTree, backups, blobs } as unknown as Ports;
  const settle = async (through = ports): Promise<void> => {
    for (;;) {
      const [order] = [...lab.lab.list('backup-target'), ...lab.lab.list('backup')].flatMap(
        (actor) => workOf(actor, lab.lab) ?? [],
      );
      if (!order) return;
      const said = await workerOf(order)(through, run).catch((error: unknown) =>
        failureOf(order, asIoError(error, order.work, order.subject)),
      );
      if (!said) throw new Error(`${order.work} said nothing`);
      lab.must(said.name, said.input as never, order.node as Principal);
    }
  };
  const backUp = async (): Promise<StreamId<'backup'>> => {
    lab.now += 1000;
    const [{ stream } = { stream: 'backup:none' as const }] = lab
      .must('create-backup', { name: 'photos', to: 'there' })
      .filter(({ type }) => type === 'backup.requested');
    const backup = stream as StreamId<'backup'>;
    const snapshot = lab.lab.get(backup)?.context.snapshot ?? 'snapshot:none';
    const taken = { snapshot, visit: lab.visit(snapshot), guid: 'g-1', takenAt: lab.now };
    lab.must('report-snapshot-taken', taken, 'node:atlas');
    lab.must('begin-backup', { backup }, 'policy:backups');
    await settle();
    return backup;
  };
  const add = async (input: Omit<CommandInputs['add-backup-target'], 'name'>) => {
    lab.must('add-backup-target', { name: 'there', ...input });
    await settle();
    return lab.lab.byName('backup-target', 'system', 'there');
  };
  return { lab, ports, backUp, add, settle };
}

const folder = () => ({ store: { kind: 'directory' as const, path: join(root, 'usb'), node: 'atlas' } });
const bucket = (more = {}) => ({
  store: { kind: 's3' as const, endpoint: `http://127.0.0.1:${port}`, bucket: 'backups', prefix: 'home', ...more },
  secrets,
});

describe.each([
  ['a folder', folder],
  ['a bucket', bucket],
])('a backup in %s', (_, where) => {
  test('is written, read back, and comes home as it was; a second one takes hardly any room', async () => {
    const { lab, ports, backUp, add } = labWith();
    expect(await add(where())).toMatchObject({ state: 'ready' });
    const first = await backUp();
    expect(lab.lab.get(first)).toMatchObject({ state: 'verified', context: { problem: null } });
    const second = lab.lab.get(await backUp());
    expect(second?.context.addedBytes).toBeLessThan(20_000);

    const target = lab.lab.byName('backup-target', 'system', 'there')?.context;
    if (!target || !second) throw new Error('it is gone');
    const into = await mkdtemp(join(root, 'back-'));
    const stored = {
      name: 'there',
      spec: target.spec,
      ...(target.secrets === null ? {} : { secrets: target.secrets }),
    };
    const content = contentOf({ backup: { object: second.context.object, target: stored } }, ports, run);
    await realTree.unpack(into, content, run);
    expect(await readFile(join(into, 'a.txt'), 'utf8')).toBe('first');
    expect((await stat(join(into, 'a.txt'))).mode & 0o777).toBe(0o640);
    expect((await readFile(join(into, 'big.bin'))).equals(await readFile(join(root, 'data', 'big.bin')))).toBe(true);
  });

  test('comes back as a test, with everything that counts; what comes back otherwise is told by its folder', async () => {
    const { lab, ports, backUp, add, settle } = labWith();
    await add(where());
    const backup = await backUp();
    const { name = '' } = lab.lab.get(backup)?.context.metadata ?? {};
    lab.must('verify-backup', { name, restore: true });
    await settle();
    expect(lab.lab.get(backup)?.context).toMatchObject({ failedTest: null, restoreTest: { files: 6 } });
    await expect(stat(join(root, 'scratch'))).rejects.toThrow('ENOENT');

    lab.must('verify-backup', { name, restore: true });
    const { tree } = ports;
    const pack: typeof tree.pack = async function* (at, path, signal) {
      await chmod(join(at, 'd', 'link.txt'), 0o600);
      yield* tree.pack(at, path, signal);
    };
    await settle({ ...ports, tree: { ...tree, pack } });
    expect(lab.lab.get(backup)).toMatchObject({
      state: 'verified',
      context: { failedTest: { problem: { code: 'DAMAGED', message: expect.stringContaining('"d"') as unknown } } },
    });
    await expect(stat(join(root, 'scratch'))).rejects.toThrow('ENOENT');
  });

  test('is nothing for a lab with another key, which is told so', async () => {
    const { add } = labWith(9);
    expect(await add(where())).toMatchObject({
      state: 'unreachable',
      context: { problem: { code: 'PERMISSION' }, retryAt: null },
    });
  });
});

describe('a target', () => {
  test('whose folder is not there is not made', async () => {
    const { add } = labWith();
    const path = join(root, 'not-mounted');
    expect(await add({ store: { kind: 'directory', path, node: 'atlas' } })).toMatchObject({
      state: 'unreachable',
      context: { problem: { code: 'POOL_MISSING' } },
    });
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  test('whose bucket is not there, or whose keys are wrong, says which', async () => {
    const missing = await labWith().add(bucket({ bucket: 'nowhere' }));
    expect(missing).toMatchObject({ state: 'unreachable', context: { problem: { code: 'MISSING' } } });
    expect(missing?.context.problem?.message).toContain('nowhere');
  });

  test('that does not answer is tried again later', async () => {
    const dead = await labWith().add(bucket({ endpoint: 'http://127.0.0.1:1' }));
    expect(dead?.state).toBe('unreachable');
    expect(dead?.context.retryAt).toBeGreaterThan(0);
  });
});
