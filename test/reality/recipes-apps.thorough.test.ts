/** The recipes of `docs/operations.md` for a node that runs apps: its role, and its loss with all that it held. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missingDocker } from '#test/engine-fixture.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { appLab, type AppLab } from './app-lab.ts';
import { missingMachines, until } from './host.ts';
import { words } from './recipes-lab.ts';

const compose = `
name: site
services:
  web:
    image: floatlab/welcome:latest
    volumes: [site:/srv]
volumes:
  site:
x-floatlab:
  size: 64MiB
`;

describeReal('a node that runs apps', missingMachines() ?? missingBtrfs() ?? missingDocker(), () => {
  let it: AppLab;
  let second: TempPool;
  beforeAll(async () => {
    it = await appLab();
    second = await tempPool({ sizeBytes: 1024 * 2 ** 20 });
    await it.up(compose);
  });
  afterAll(async () => {
    await it?.dispose();
    await second?.dispose();
  });

  const stateOf = async (name: string): Promise<string | undefined> =>
    (await it.lab.api(it.entry).nodes()).find((row) => row.name === name)?.state;
  const refused = async (...args: readonly string[]): Promise<string> => {
    const { code, err } = await it.lab.cli(it.entry, args);
    expect(code, `floatlab ${args.join(' ')}: ${err}`).toBe(6);
    return err.replaceAll(/\s+/g, ' ');
  };

  test('gives its vote away by its role and goes on with its app, and gets it back', async () => {
    const api = it.lab.api(it.entry);
    const votes = async (): Promise<readonly string[]> =>
      (await api.status()).members.map((member) => `${member.name} ${member.votes}`);
    expect(await refused('node', 'role', 'n3', 'witness')).toMatch(/A witness runs no apps.*NOT_EMPTY/);
    expect(await refused('node', 'role', 'n1', 'any')).toContain('WITNESS_ONLY');
    await it.floatlab('node', 'role', 'n3', 'learner');
    // Never two voters of which both would have to answer.
    await until('one of the other two decides', 60_000, async () => {
      const now = await votes();
      return now.includes('n3 learner') && now.filter((one) => one.endsWith(' voter')).length === 1;
    });
    const { leader, members } = await api.status();
    expect(members.find(({ node }) => node === leader)?.name).not.toBe('n3');
    expect(await it.floatlab('ps')).toMatch(/site +running +n3/);
    await it.floatlab('volume', 'snapshot', 'site-site', '--as', 'as-a-learner');
    await it.floatlab('node', 'role', 'n3', 'any');
    await it.lab.whole();
  });

  test('does not leave while it holds something, and is removed with all of it by a word more', async () => {
    expect(await refused('node', 'leave', 'n3', '--yes')).toMatch(/n3 .*(site|web)/);
    await it.host.end('SIGKILL');
    await it.endContainers();
    await until('it is down', 60_000, async () => (await stateOf('n3')) === 'down');
    expect(await refused('node', 'rm', 'n3', '--yes')).toMatch(/n3 .*(site|web)/);
    const forecast = await it.floatlab('node', 'rm', 'n3', '--force', '--dry-run');
    expect(forecast).toContain('site-site');
    expect(await stateOf('n3')).toBe('down');

    await it.floatlab('node', 'rm', 'n3', '--force', '--yes');
    expect(await stateOf('n3')).toBeUndefined();
    expect(await it.floatlab('volume', 'ls')).not.toContain('site-site');
    expect(await it.floatlab('ps')).toMatch(/site +failed/);
    expect(await it.floatlab('alert', 'ls')).toMatch(/site.*n3/);
    const { members } = await it.lab.api(it.entry).status();
    expect(members.map(({ name }) => name).toSorted()).toEqual(['n1', 'n2']);
  });

  test('is told so when it turns up after all', async () => {
    await it.host.start();
    await until('it says so', 30_000, async () =>
      words(it.host).includes('Node n3 does not belong to the lab any more: it left, or was removed.'),
    );
    await it.host.end('SIGTERM');
    await it.endContainers();
  });

  test('has a successor, on which its app begins again with an empty volume', async () => {
    it.lab.machines.splice(it.lab.machines.indexOf(it.host), 1);
    const heir = await it.lab.machine(4);
    it.lab.machines.push(heir);
    heir.settings = ['--engine', it.socketPath, '--pool', `tank=${second.mountpoint}`];
    const token = await it.lab.api(it.entry).joinToken();
    await heir.start(['--join', token.token]);
    await it.up(compose);
    expect(await it.floatlab('ps')).toMatch(/site +running +n4/);
    expect(await it.floatlab('volume', 'ls')).toMatch(/site-site +ready/);
  });
});
