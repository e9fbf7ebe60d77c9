/** Replication between two machines with real zfs, with the hands that the contract asks for. */
import { zfsReplication } from '#io/devices/replication/zfs/backend.ts';
import type { ReplicationUnderTest, SideUnderTest } from '#test/contracts/replication.ts';
import type { ZfsMachine } from '#test/zfs-fixture.ts';
import { zfsPool } from '#test/zfs-fixture.ts';

export async function zfsReplicationUnderTest(here: ZfsMachine, there: ZfsMachine): Promise<ReplicationUnderTest> {
  return {
    here: await side(here),
    there: await side(there),
    async dispose() {
      for (const machine of [here, there]) await machine.dispose();
    },
  };
}

async function side(machine: ZfsMachine): Promise<SideUnderTest> {
  const pool = await zfsPool(machine);
  const { tool, root, mountBase } = pool;
  const reopen: SideUnderTest['reopen'] = (step) => {
    const pools = [{ name: 'test', root, mountBase, id: 'the-pool-of-this-test' }];
    const options = { pools, run: machine.run, pipes: machine.pipes, ...(step ? { step } : {}) };
    const replication = zfsReplication(options);
    return { replication, volumes: replication.guard(pool.open()) };
  };
  let count = 0;
  return {
    pool: 'test',
    ...reopen(),
    reopen,
    writeAt: (folder, file, text) => machine.write(`${folder}/${file}`, text),
    fillAt: async (folder, file, bytes) => void (await machine.fits(`${folder}/${file}`, bytes)),
    readAt: (folder, file) => machine.read(`${folder}/${file}`),
    use: (folder) => machine.use(folder),
    async makeNative() {
      const native = `${pool.zpool}/native-${++count}`;
      await tool('zfs', 'create', '-o', `mountpoint=${machine.folder}/natives/${count}`, native);
      return native;
    },
    async removeByForce(of, guid, peer) {
      const found = await tool('zfs', 'get', '-rHp', '-o', 'name,value', 'guid', `${root}/${of.name}`);
      const snapshot = found
        .split('\n')
        .find((line) => line.includes('@') && line.endsWith(`\t${guid}`))
        ?.split('\t')[0];
      await tool('zfs', 'release', `floatlab:${peer}`, snapshot ?? '');
      await tool('zfs', 'destroy', snapshot ?? '');
    },
  };
}
