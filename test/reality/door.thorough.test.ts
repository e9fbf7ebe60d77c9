/**
 * Machines at the door of a real lab that must not come in: each is told why, and the lab does not suffer from it. What
 * clocks have to do with it is in `clocks.thorough.test.ts`, a data directory that was copied in `disks.thorough.test.ts`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { dial } from '#io/links/dial.ts';
import { formatToken, parseToken } from '#io/links/token.ts';
import { readNodeIni } from '#io/daemon/node-ini.ts';
import { ensureNodeKey } from '#io/pki/node-files.ts';
import { describeReal } from '#test/real.ts';
import { missingMachines } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';

describeReal('the door of a real lab', missingMachines(), () => {
  let lab: RealLab;
  let other: RealLab;
  let founder: Machine;
  let stranger: Machine;
  beforeAll(async () => {
    lab = await RealLab.make(1);
    // On the same wire.
    other = await RealLab.make(1, { network: lab.network, first: 11 });
    [founder] = lab.machines as [Machine];
    stranger = await lab.machine(3);
  });
  afterAll(async () => {
    await stranger.end('SIGKILL');
    await other[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  async function turnedAway(token: string, machine = stranger): Promise<string> {
    const child = machine.spawn(['--join', token]);
    await machine.ended(20_000);
    expect(child.exitCode).not.toBe(0);
    // A person reads what is no line of the log.
    return machine.output
      .split('\n')
      .filter((line) => !line.startsWith('{'))
      .join('\n');
  }

  const anotherToken = async (of = lab): Promise<string> => (await of.api(of.machines[0] as Machine).joinToken()).token;

  test('a token that was cut short is told before anything is asked', async () => {
    const token = await anotherToken();
    expect(await turnedAway(token.slice(0, -9))).toContain('the token is cut short');
  });

  test('a token of another lab opens nothing here, and the machine hears whose it is', async () => {
    const { caSha256: _, ...theirs } = parseToken(await anotherToken(other));
    const ours = parseToken(await anotherToken());
    expect(theirs.addresses[0]).toContain('.11:');
    // As if the other lab had moved to the address of this one.
    const moved = formatToken({ ...parseToken(await anotherToken(other)), addresses: ours.addresses });
    expect(await turnedAway(moved)).toMatch(/belongs to another lab than the token.*WRONG_CA/);
    const unknown = formatToken({ ...ours, id: 'another', addresses: ours.addresses });
    expect(await turnedAway(unknown)).toMatch(/This lab does not know the token.*TOKEN_UNKNOWN/);
  });

  test('a name that is taken, a revoked token and one that was used are refused, each in its own words', async () => {
    const api = lab.api(founder);
    const namesake = await lab.machine(4, founder.name);
    expect(await turnedAway(await anotherToken(), namesake)).toMatch(/There is already a node n1\. \(NAME_TAKEN\)/);

    const { token: revoked, id } = await api.joinToken();
    await api.ask(`/api/v1/tokens/${id}`, { method: 'DELETE' });
    expect(await turnedAway(revoked)).toMatch(/was revoked.*TOKEN_REVOKED/);

    const token = await anotherToken();
    const second = await lab.machine(5);
    lab.machines.push(second);
    await second.start(['--join', token]);
    expect(await turnedAway(token)).toMatch(/Node n5 has used this token.*TOKEN_USED/);
  });

  test('a wrong port and a wrong fingerprint are told apart, each with what to do', async () => {
    const { authority = '' } = await lab.api(founder).status();
    const knocks = async (port: number, fingerprint: string): Promise<string> => {
      stranger.spawn(['--join', `${founder.address}:${port}`, '--fingerprint', fingerprint]);
      expect(await stranger.ended(20_000)).toBe(1);
      return stranger.output.replaceAll(/\s+/g, ' ');
    };
    const said = await knocks(7400, authority);
    expect(said).toContain(`${founder.address}:7400 answers, and is not a port at which machines join (WRONG_PORT)`);
    expect(await knocks(7402, authority)).toContain(`${founder.address}:7402 answers, and is not a port`);
    const wrong = await knocks(
      7401,
      authority.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    );
    expect(wrong).toContain(`its authority has the fingerprint ${authority}, and --fingerprint says`);
    expect(wrong).toContain('(WRONG_CA)');
  });

  test('a node whose program speaks another protocol gets no link, and both are named with their versions', async () => {
    const member = lab.machines.at(-1) as Machine;
    const ini = await readNodeIni(member.disk.dataDir);
    const { members } = await lab.api(founder).status();
    const here = members.find(({ name }) => name === founder.name);
    const row = (await lab.api(founder).nodes()).find(({ name }) => name === founder.name);
    if (!ini || !here || !row?.keySha256) throw new Error('the lab does not know its nodes');
    const tls = join(member.disk.dataDir, 'tls');
    const key = await ensureNodeKey(tls);
    const dialed = dial({
      address: { host: founder.address, port: 7401 },
      expect: { node: here.node, keySha256: row.keySha256 },
      purpose: 'requests',
      identity: {
        cluster: ini.lab.id,
        generation: ini.lab.generation,
        node: ini.node.id,
        incarnation: ini.node.incarnation ?? '',
        run: 'another',
        version: '9.0.0',
        protocol: { min: 2, max: 3 },
        certificate: { cert: await readFile(join(tls, 'node.crt'), 'utf8'), key },
        caCert: await readFile(join(tls, 'ca.crt'), 'utf8'),
      },
      clock: realClock,
    });
    await expect(dialed).rejects.toMatchObject({
      code: 'PROTOCOL_TOO_NEW',
      isTheirs: true,
      message: expect.stringMatching(
        /runs 9\.0\.0 and needs protocol 2 at least; node \S+ runs \S+ and speaks up to 1/,
      ),
      hint: expect.stringContaining('Upgrade FloatLab on node'),
    });
    // The one that it pretended to be goes on.
    await lab.api(member).label('n1', { protocol: 'one' });
  });

  test('after all of this both labs are as they were, and neither has anything of the other', async () => {
    const names = async (of: RealLab) => (await of.api(of.machines[0] as Machine).nodes()).map(({ name }) => name);
    expect((await names(lab)).toSorted()).toEqual(['n1', 'n5']);
    expect(await names(other)).toEqual(['n11']);
    expect((await lab.api(founder).status()).lab).not.toBe(
      (await other.api(other.machines[0] as Machine).status()).lab,
    );
    await lab.api(founder).label('n1', { still: 'here' });
    await other.api(other.machines[0] as Machine).label('n11', { still: 'here' });
  });
});
