/** A pool on real zfs with the hands that the contract of volumes asks for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { OwnPlace } from '#io/devices/volumes/own-places.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import type { VolumesUnderTest } from '#test/contracts/volumes.ts';
import { patient } from '#test/contracts/volumes.ts';
import type { ZfsMachine } from '#test/zfs-fixture.ts';
import { zfsPool } from '#test/zfs-fixture.ts';

/** @param momentMs a twelfth of the time that a rollback takes there */
export async function zfsUnderTest(machine: ZfsMachine, momentMs: number): Promise<VolumesUnderTest> {
  const pool = await zfsPool(machine);
  const { tool } = pool;
  const own: OwnPlace[] = [];
  const open = () => pool.open({ ownPlaces: () => own });
  let count = 0;
  const datasetOf = async (of: Dataset): Promise<string> =>
    (await pool.volumes.inspect(of, patient()))?.adopted ?? `${pool.root}/${of.name}`;
  const everything = async (): Promise<string> =>
    tool('zfs', 'list', '-H', '-t', 'all', '-o', 'name', '-r', pool.zpool).catch(() => 'no pool');
  return {
    pool: 'test',
    volumes: open(),
    reopen: open,
    own,
    writeAt: (folder, file, text) => machine.write(`${folder}/${file}`, text),
    readAt: (folder, file) => machine.read(`${folder}/${file}`),
    fitsAt: (folder, file, bytes) => machine.fits(`${folder}/${file}`, bytes),
    async ownerOf(folder) {
      const [uid, gid, mode = ''] = (await tool('stat', '-c', '%u %g %a', folder)).trim().split(' ');
      return { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8) };
    },
    use: (folder) => machine.use(folder),
    async makeNative() {
      const native = `${pool.zpool}/native ${++count}`;
      const path = `${machine.folder}/natives/${count}`;
      await tool('zfs', 'create', '-o', `mountpoint=${path}`, native);
      return { native, path };
    },
    missingNative: `${pool.zpool}/nothing`,
    async makeNoNative() {
      // zfs-fuse cannot: it ends.
      if (machine.kind === 'zfs-fuse') return `${pool.zpool}/nothing@a-snapshot`;
      const zvol = `${pool.zpool}/zvol-${++count}`;
      await tool('zfs', 'create', '-s', '-V', '1M', zvol);
      return zvol;
    },
    async foreignSnapshot(of) {
      const name = `autosnap-${++count}`;
      await tool('zfs', 'snapshot', `${await datasetOf(of)}@${name}`);
      const found = async () => (await everything()).split('\n').find((line) => line.endsWith(`@${name}`));
      return {
        name,
        exists: async () => (await found()) !== undefined,
        remove: async () => void (await tool('zfs', 'destroy', (await found()) ?? '')),
      };
    },
    settle: pool.settle,
    surroundings: async () => `${await everything()}\n${await tool('find', pool.mountBase, '-xdev')}`,
    moment: (n) => delay(n * momentMs),
    unplug: pool.exportPool,
    plugIn: () => pool.importPool(),
    dispose: () => machine.dispose(),
  };
}
