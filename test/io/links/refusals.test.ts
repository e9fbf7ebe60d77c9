import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { Calls, Methods } from '#io/links/calls.ts';
import type { Link } from '#io/links/link.ts';
import { Mesh } from '#io/links/mesh.ts';
import { RefusalLog } from '#io/links/refusals.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { recordedLog, SmallLab, until, type TestNode } from './small-lab.ts';

const hourMs = 3_600_000;

test('who knocks all day is told once an hour, with how often it was', async () => {
  const [{ log, lines }, clock] = [recordedLog(), new VirtualClock(0)];
  const refusals = new RefusalLog(log, clock);
  for (let i = 0; i < 50; i++) refusals.refused('10.0.0.7', 'WRONG_CA', 'another lab');
  refusals.refused('10.0.0.7', 'NOT_TLS', 'garbage');
  refusals.refused('bolt', 'WRONG_CA', 'another lab');
  expect(lines.map(({ who, code }) => [who, code])).toEqual([
    ['10.0.0.7', 'WRONG_CA'],
    ['10.0.0.7', 'NOT_TLS'],
    ['bolt', 'WRONG_CA'],
  ]);
  await clock.run(hourMs + 1);
  refusals.refused('10.0.0.7', 'WRONG_CA', 'another lab');
  expect(lines.slice(3)).toMatchObject([
    { who: '10.0.0.7', code: 'WRONG_CA', times: 49 },
    { who: '10.0.0.7', code: 'WRONG_CA', explain: 'another lab' },
  ]);
});

describe('a node that sends garbage on every link that it gets', () => {
  let lab: SmallLab;
  let [atlas, bolt]: TestNode[] = [];
  let mesh: Mesh | undefined;
  beforeEach(async () => {
    lab = await SmallLab.create();
    [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
    mesh = undefined;
  });
  afterEach(async () => {
    await mesh?.close();
    await lab.close();
  });
  const garbage = (link: Link): void => {
    link.receive(() => undefined);
    link.send(Buffer.from([9, 9, 9]));
  };

  test('and dials, is told once', async () => {
    const calls = (link: Link): void => void new Calls({ link, methods: new Methods(), log: lab.log });
    const server = await lab.serve(atlas!, { onLink: calls });
    for (let tries = 0; tries < 40; tries++) {
      const link = await lab.dialOnly(bolt!, atlas!, server);
      garbage(link);
      expect((await link.closed).code).toBe('BAD_FRAME');
    }
    expect(lab.lines).toMatchObject([{ who: 'bolt', code: 'BAD_FRAME', msg: 'refused a connection' }]);
  });

  test('and is dialed again and again, is told once', async () => {
    let links = 0;
    const { port } = await lab.serve(bolt!, {
      onLink: (link) => {
        links += 1;
        garbage(link);
      },
    });
    const { log, lines } = recordedLog();
    mesh = new Mesh({ identity: () => atlas!.identity, clock: realClock, random: { next: () => 0 }, log });
    mesh.setNodes([{ node: 'bolt', keySha256: bolt!.keySha256, addresses: [{ host: '127.0.0.1', port }] }]);
    const knocking = setInterval(() => mesh?.heard('bolt'), 5);
    await until(() => links >= 20, 'twenty links');
    clearInterval(knocking);
    expect(lines.map(({ msg }) => msg)).toEqual(['link is up', 'link is down']);
  });
});

test('a crowd of strangers fills neither the memory nor the log', () => {
  const [{ log, lines }, clock] = [recordedLog(), new VirtualClock(0)];
  const refusals = new RefusalLog(log, clock);
  for (let i = 0; i < 5000; i++) refusals.refused(`stranger ${i}`, 'NO_CERTIFICATE', 'none');
  expect(lines).toHaveLength(1001);
  expect(lines.at(-1)).toMatchObject({ who: 'others' });
});
