import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { Address } from '#io/links/address.ts';
import { LinkError, type LinkCode, type LinkEnd } from '#io/links/errors.ts';
import { no } from '#io/links/hello.ts';
import type { LinkIdentity } from '#io/links/identity.ts';
import { KeptLink, type KeptLinkOptions } from '#io/links/kept.ts';
import type { Link } from '#io/links/link.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { FakeLink } from './fake-link.ts';
import { recordedLog, SmallLab, until, type TestNode } from './small-lab.ts';

const here = (port: number): Address => ({ host: '127.0.0.1', port });

describe('a kept link', () => {
  let lab: SmallLab;
  let [atlas, bolt]: TestNode[] = [];
  const kept: KeptLink[] = [];
  beforeEach(async () => {
    lab = await SmallLab.create();
    [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
  });
  afterEach(async () => {
    for (const link of kept.splice(0)) await link.stop();
    await lab.close();
  });
  const keep = (addresses: Address[], more: Partial<KeptLinkOptions> = {}): KeptLink => {
    const made = new KeptLink({
      purpose: 'requests',
      target: { node: 'atlas', keySha256: atlas!.keySha256, addresses },
      identity: () => bolt!.identity,
      onUp: (link) => link.receive(() => undefined),
      clock: realClock,
      random: seededRandom(1),
      log: lab.log,
      ...more,
    });
    kept.push(made);
    return made;
  };

  test('finds the node at any of its addresses, and again after it was away', async () => {
    let server = await lab.serve(atlas!);
    const { port } = server;
    const [ups, ends]: [Link[], LinkEnd[]] = [[], []];
    const link = keep([here(1), here(port)], {
      onUp: (up) => {
        ups.push(up);
        up.receive(() => undefined);
      },
      onDown: (end) => ends.push(end),
    });
    expect(link.send(Buffer.from('x'))).toBe(false);
    await until(() => link.link !== undefined);
    expect(link.send(Buffer.from('x'))).toBe(true);
    await server.close();
    await until(() => ends.length === 1);
    expect([ends[0]?.code, link.send(Buffer.from('x'))]).toEqual(['STOPPING', false]);
    expect(link.problem?.code).toBeDefined();
    server = await lab.serve(atlas!, { listen: [here(port)] });
    await until(() => ups.length === 2);
    expect(link.problem).toBeUndefined();
  });

  test('looks at new addresses at once', async () => {
    const link = keep([here(1)]);
    await until(() => link.problem !== undefined);
    expect(link.problem).toMatchObject({ code: 'UNREACHABLE' });
    const { port } = await lab.serve(atlas!);
    link.setTarget({ node: 'atlas', keySha256: atlas!.keySha256, addresses: [here(port)] });
    await until(() => link.link !== undefined);
  });

  test('lets go of a node that has another key now', async () => {
    const { port } = await lab.serve(atlas!);
    const link = keep([here(port)]);
    await until(() => link.link !== undefined);
    const before = link.link;
    link.setTarget({ node: 'atlas', keySha256: '00'.repeat(32), addresses: [here(port)] });
    await before?.closed;
    await until(() => link.problem?.code === 'WRONG_KEY');
  });

  test('ends when it is stopped, and stays so', async () => {
    const server = await lab.serve(atlas!);
    const link = keep([here(server.port)]);
    await until(() => link.link !== undefined);
    await link.stop();
    await until(() => server.links.size === 0);
    expect(link.link).toBeUndefined();
  });
});

describe('while a node is away', () => {
  test('it is tried less and less often at all its addresses, and told once; then all is well again', async () => {
    const [clock, { log, lines }] = [new VirtualClock(0), recordedLog()];
    const rounds: number[] = [];
    let back: FakeLink | undefined;
    const link = new KeptLink({
      purpose: 'log',
      target: { node: 'atlas', keySha256: 'x', addresses: [here(1), here(2)] },
      identity: () => ({}) as LinkIdentity,
      onUp: () => undefined,
      clock,
      random: { next: () => 0.5 },
      log,
      dialer: ({ address }) => {
        if (address.port === 1) rounds.push(clock.monotonicMs());
        const refused = { code: 'UNREACHABLE', explain: 'nobody', hint: '' } as const;
        return back && address.port === 2 ? Promise.resolve(back) : Promise.reject(new LinkError(refused));
      },
    });
    await clock.run(60_000);
    expect(rounds.slice(0, 8)).toEqual([0, 75, 225, 525, 1125, 2325, 4725, 8475]);
    expect(rounds.length).toBeLessThan(25);
    expect(lines.map(({ msg }) => msg)).toEqual(['no link']);
    back = new FakeLink('atlas', 1000);
    await clock.run(5000);
    expect(link.link).toBe(back);
    await clock.run(20_000);
    // It was a good one: the next try comes at once, and at the address that was good.
    const [atMs, count] = [clock.monotonicMs(), rounds.length];
    const second = new FakeLink('atlas', 1000);
    back = second;
    (link.link as FakeLink).close('LOST');
    await clock.run(1);
    expect([link.link, rounds.length, clock.monotonicMs() - atMs]).toEqual([second, count, 1]);
    await link.stop();
    expect(second.end?.code).toBe('CLOSED');
  });

  test('who looks for it in a hurry does not wait, and a trouble of another kind is told, too', async () => {
    const [clock, { log, lines }] = [new VirtualClock(0), recordedLog()];
    let code: LinkCode = 'UNREACHABLE';
    let tries = 0;
    const link = new KeptLink({
      purpose: 'log',
      target: { node: 'atlas', keySha256: 'x', addresses: [here(1)] },
      identity: () => ({}) as LinkIdentity,
      onUp: () => undefined,
      clock,
      random: { next: () => 0.5 },
      log,
      dialer: () => {
        tries += 1;
        return Promise.reject(code === 'FAILED' ? new TypeError('a bad key') : new LinkError(no(code, 'why', '')));
      },
    });
    await clock.run(20_000);
    for (const next of ['NOT_ADMITTED', 'FAILED'] as const) {
      code = next;
      const before = tries;
      link.retry();
      await clock.run(1);
      expect(tries).toBe(before + 1);
    }
    expect(lines.map((line) => line['code'])).toEqual(['UNREACHABLE', 'NOT_ADMITTED', 'FAILED']);
    expect(link.problem?.message).toBe('a bad key');
    await link.stop();
  });

  test('links that end at once are no reason to hurry', async () => {
    const clock = new VirtualClock(0);
    let ups = 0;
    const link = new KeptLink({
      purpose: 'log',
      target: { node: 'atlas', keySha256: 'x', addresses: [here(1)] },
      identity: () => ({}) as LinkIdentity,
      onUp: (up) => {
        ups += 1;
        up.close('BUSY');
      },
      clock,
      random: { next: () => 0.5 },
      log: recordedLog().log,
      dialer: () => Promise.resolve(new FakeLink('atlas', 1000)),
    });
    await clock.run(60_000);
    expect(ups).toBeLessThan(25);
    await link.stop();
  });
});
