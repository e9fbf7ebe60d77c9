/** Volumes of real daemons that are kept on another kind of file system, over the links between them, on bad days too. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missingExt4 } from '#test/io/devices/volumes/dir-pool.ts';
import { changes, makeEverything, type Keeps } from '#test/io/devices/replication/tree-everything.ts';
import { attributesIn, inventory, missingForTrees } from '#test/io/devices/tree-stream/trees.ts';
import { missingDocker, patientCall, sharedEngine } from '#test/engine-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { describeReal } from '#test/real.ts';
import { missingZfsFuse } from '#test/zfs-fixture.ts';
import { missingMachines, pause, until } from './host.ts';
import { replicasLab, type Kind, type ReplicasLab } from './replicas-lab.ts';

const MiB = 2 ** 20;
const missing =
  missingMachines() ?? missingBtrfs() ?? missingExt4() ?? missingZfsFuse() ?? missingForTrees() ?? missingDocker();

describeReal('replicas on another kind of file system, between real machines', missing, () => {
  let it: ReplicasLab;
  beforeAll(async () => {
    it = await replicasLab((await sharedEngine()).socketPath);
  }, 180_000);
  afterAll(() => it?.dispose(), 60_000);

  const nodeOf = (kind: Kind): string => it.places[kind].machine.name;
  const all: Keeps = { fractions: true, attributes: true };
  const some: Keeps = { fractions: false, attributes: false };

  /** Both ends of a snapshot, file by file. */
  async function expectSame(name: string, from: Kind, to: Kind, snapshot: string, keeps: Keeps): Promise<void> {
    const [of, into] = await it.datasets(name);
    const [sent, got] = [await it.filesOf(from, of, snapshot), await it.filesOf(to, into, snapshot)];
    const shown = (lines: readonly string[]): readonly string[] =>
      keeps.fractions ? lines : lines.map((line) => line.replace(/\d{9}(","\d*","[^"]*"\])$/, '$1'));
    expect(shown(await inventory(got)), snapshot).toEqual(shown(await inventory(sent)));
    expect(attributesIn(got), snapshot).toBe(attributesIn(sent));
  }

  test.each([
    ['btrfs', 'dir', all],
    ['dir', 'btrfs', all],
    ['btrfs', 'zfs', some],
    ['zfs', 'btrfs', some],
  ] as const)(
    'everything that files are and have arrives from %s on %s, and each kind of change',
    async (from, to, keeps) => {
      const name = `all-${from}-${to}`;
      const path = await it.volume(name, from);
      await makeEverything(path, keeps);
      await it.floatlab('volume', 'snapshot', name, '--as', 'everything');
      await it.floatlab('replica', 'create', name, '--node', nodeOf(to));
      await it.holds(`${name}-on-${nodeOf(to)}`, 'everything');
      await expectSame(name, from, to, 'everything', keeps);
      for (const [what, change] of Object.entries(changes)) {
        await change(path, keeps);
        const as = what.replaceAll(' ', '-');
        await it.floatlab('volume', 'snapshot', name, '--as', as);
        await it.holds(`${name}-on-${nodeOf(to)}`, as);
        await expectSame(name, from, to, as, keeps);
      }
    },
    240_000,
  );

  test.each([
    ['btrfs', 'dir'],
    ['zfs', 'btrfs'],
  ] as const)(
    'from %s to %s the machines may be killed and the link cut again and again: it arrives whole',
    async (from, to) => {
      const name = `killed-${from}-${to}`;
      const path = await it.volume(name, from);
      const replica = `${name}-on-${nodeOf(to)}`;
      await writeFile(join(path, 'small'), 'one');
      await it.floatlab('volume', 'snapshot', name, '--as', 'first');
      await it.floatlab('replica', 'create', name, '--node', nodeOf(to));
      await it.holds(replica, 'first');
      // Slow enough that it is under way when they die.
      await it.floatlab('volume', 'set', name, '--replica-limit', '4MiB');
      for (let n = 0; n < 4; n++) await writeFile(join(path, `large-${n}`), randomBytes(4 * MiB));
      await writeFile(join(path, 'small'), 'two');
      await it.floatlab('volume', 'snapshot', name, '--as', 'second');
      for (const victim of [to, from] as const) {
        await it.syncs(replica);
        await pause(1000);
        const { machine } = it.places[victim];
        await machine.end('SIGKILL');
        await machine.start();
        await it.lab.whole();
      }
      for (let cut = 0; cut < 5; cut++) {
        await it.syncs(replica);
        await pause(200 + cut * 100);
        await it.lab.network.cutWay(it.places[from].machine.number, it.places[to].machine.number);
        await pause(1500);
        await it.lab.network.heal();
      }
      await it.floatlab('volume', 'set', name, '--replica-limit', '0');
      await it.holds(replica, 'second', 180_000);
      await expectSame(name, from, to, 'first', some);
      await expectSame(name, from, to, 'second', some);
    },
    400_000,
  );

  test('of a machine that is killed the node of the replica says how much may be lost, and that covers what is', async () => {
    const path = await it.volume('mourned', 'dir');
    await writeFile(join(path, 'file'), 'one');
    await it.floatlab('volume', 'snapshot', 'mourned', '--as', 'first');
    await it.floatlab('replica', 'create', 'mourned', '--node', nodeOf('btrfs'));
    const replica = `mourned-on-${nodeOf('btrfs')}`;
    await it.holds(replica, 'first');
    await until('the loss is known', 120_000, async () =>
      Number.isFinite((await it.replica(replica)).loss?.seconds ?? Number.NaN),
    );
    const wroteAt = Date.now();
    await writeFile(join(path, 'file'), 'two');
    await pause(3000);
    await writeFile(join(path, 'file'), 'three');
    const { machine } = it.places.dir;
    await machine.end('SIGKILL');
    const killedAt = Date.now();
    const { seconds, asOf } = await until('the loss is told', 60_000, async () => {
      const { loss } = await it.replica(replica);
      return loss && loss.seconds !== null && loss.asOf > killedAt + 10_000 ? loss : undefined;
    });
    expect((seconds ?? 0) * 1000).toBeGreaterThanOrEqual(asOf - wroteAt);
    expect(await it.floatlab('replica', 'show', replica)).toMatch(/may lose +at most the last \d+ s/);
    await machine.start();
    await it.lab.whole();
  }, 300_000);

  test('the link may be pulled and broken a hundred times while one snapshot is sent: it arrives whole', async () => {
    const path = await it.volume('cut', 'btrfs');
    const replica = `cut-on-${nodeOf('dir')}`;
    await writeFile(join(path, 'small'), 'one');
    await it.floatlab('volume', 'snapshot', 'cut', '--as', 'first');
    await it.floatlab('replica', 'create', 'cut', '--node', nodeOf('dir'));
    await it.holds(replica, 'first');
    await it.floatlab('volume', 'set', 'cut', '--replica-limit', '1MiB');
    for (let n = 0; n < 4; n++) await writeFile(join(path, `large-${n}`), randomBytes(8 * MiB));
    await it.floatlab('volume', 'snapshot', 'cut', '--as', 'second');
    const { network } = it.lab;
    const [from, to] = [it.places.btrfs.machine.number, it.places.dir.machine.number];
    let broken = 0;
    for (let cut = 0; cut < 100; cut++) {
      if (cut % 5 === 0) {
        // What a cable that was pulled for a moment does, TCP puts right; a connection that broke begins anew.
        if ((await it.replica(replica)).state !== 'syncing') await it.floatlab('replica', 'sync', replica);
        await it.syncs(replica);
        await pause(150);
        await network.resetWay(from, to);
        broken++;
      } else await (cut % 2 === 0 ? network.cutWay(from, to) : network.cutWay(to, from));
      await pause(40 + ((cut * 37) % 160));
      await network.heal();
      await pause(20 + ((cut * 53) % 90));
    }
    expect(broken).toBe(20);
    const { holds } = await it.replica(replica);
    expect(holds?.name).toBe('first');
    await expectSame('cut', 'btrfs', 'dir', 'first', some);
    await it.floatlab('volume', 'set', 'cut', '--replica-limit', '0');
    await it.floatlab('replica', 'sync', replica).catch(() => '');
    await it.holds(replica, 'second', 180_000);
    await expectSame('cut', 'btrfs', 'dir', 'second', all);
  }, 400_000);

  test('a target that was filled by hand refuses with words, keeps what it has, and goes on once there is room', async () => {
    const path = await it.volume('full', 'btrfs');
    await writeFile(join(path, 'file'), 'one');
    await it.floatlab('volume', 'snapshot', 'full', '--as', 'first');
    await it.floatlab('replica', 'create', 'full', '--node', nodeOf('dir'));
    await it.holds('full-on-n2', 'first');
    const free = await it.fill('dir');
    await writeFile(join(path, 'large'), randomBytes(8 * MiB));
    await it.floatlab('volume', 'snapshot', 'full', '--as', 'second');
    const problem = await it.troubled('full-on-n2');
    expect(problem).toMatchObject({ code: 'NO_SPACE' });
    expect(problem.message).not.toContain('undefined');
    await expectSame('full', 'btrfs', 'dir', 'first', all);
    await free();
    await it.floatlab('replica', 'sync', 'full-on-n2');
    await it.holds('full-on-n2', 'second', 120_000);
    await expectSame('full', 'btrfs', 'dir', 'second', all);
  }, 240_000);

  test('a replica that was written to by hand refuses with words, and what was written is kept', async () => {
    const path = await it.volume('touched', 'btrfs');
    await writeFile(join(path, 'file'), 'one');
    await it.floatlab('volume', 'snapshot', 'touched', '--as', 'first');
    await it.floatlab('replica', 'create', 'touched', '--node', nodeOf('dir'));
    await it.holds('touched-on-n2', 'first');
    const [, into] = await it.datasets('touched');
    const volumes = await it.places.dir.volumes();
    const live = await volumes.inspect({ pool: 'dir', name: into }, patientCall());
    await writeFile(join(live?.path ?? '', 'by hand'), 'precious');
    await writeFile(join(path, 'file'), 'two');
    await it.floatlab('volume', 'snapshot', 'touched', '--as', 'second');
    const problem = await it.troubled('touched-on-n2');
    expect(problem).toMatchObject({ code: 'DIVERGED' });
    expect(problem.message).toContain('somebody has written to the files of the replica');
    await it.floatlab('replica', 'resync', 'touched-on-n2', '--keep', '--yes');
    await it.holds('touched-on-n2', 'second');
    await expectSame('touched', 'btrfs', 'dir', 'second', all);
    const aside = JSON.parse(await it.floatlab('volume', 'show', 'touched-diverged', '-o', 'json')) as { path: string };
    expect(await readFile(join(aside.path, 'by hand'), 'utf8')).toBe('precious');
  }, 120_000);

  test('an app with two volumes moves with both, while its old machine is killed, and goes on with what it wrote', async () => {
    const compose = [
      'name: pair',
      'services:',
      '  web:',
      '    image: floatlab/welcome:latest',
      `    command: ['/bin/sh', '-c', 'trap "exit 0" TERM; while true; do date +%s%N | tee /one/at > /two/at; sleep 0.05; done']`,
      '    volumes: [one:/one, two:/two]',
      'volumes: { one: , two: }',
      'x-floatlab: { size: 96MiB, pool: btrfs }',
    ];
    const file = join(it.places.dir.folder, 'pair.yaml');
    await writeFile(file, compose.join('\n'));
    await it.floatlab('up', '-f', file, '--yes', '--wait');
    const { machine } = it.places.btrfs;
    const volume = async (name: string) =>
      JSON.parse(await it.floatlab('volume', 'show', name, '-o', 'json')) as VolumeRow;
    const where = async () =>
      Promise.all(['pair-one', 'pair-two'].map(async (name) => (await volume(name)).node?.name));
    expect(await where()).toEqual([nodeOf('btrfs'), nodeOf('btrfs')]);
    const pathOf = async (name: string, kind: Kind) => it.places[kind].seen((await volume(name)).path ?? '');
    for (const name of ['pair-one', 'pair-two']) await writeFile(join(await pathOf(name, 'btrfs'), 'kept'), name);
    await it.floatlab('app', 'move', 'pair', '--node', nodeOf('dir'), '--yes', '--detach');
    await until('it has begun', 60_000, async () => (await volume('pair-two')).move !== null);
    await machine.end('SIGKILL');
    await machine.start();
    await it.lab.whole();
    await until('both are there', 180_000, async () => (await where()).every((node) => node === nodeOf('dir')));
    await until('the app runs', 120_000, async () => (await it.floatlab('ps', 'pair')).includes('running'));
    for (const name of ['pair-one', 'pair-two'])
      expect(await readFile(join(await pathOf(name, 'dir'), 'kept'), 'utf8')).toBe(name);
  }, 400_000);
});
