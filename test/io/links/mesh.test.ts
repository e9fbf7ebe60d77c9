import { afterEach, beforeEach, expect, test } from 'vitest';
import { backoffMs } from '#io/agent/backoff.ts';
import { realClock } from '#io/devices/clock/real.ts';
import type { Clock, Timer } from '#io/devices/clock/port.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { Mesh, patienceWith } from '#io/links/mesh.ts';
import { SmallLab, until } from './small-lab.ts';

let lab: SmallLab;
beforeEach(async () => {
  lab = await SmallLab.create();
});
afterEach(() => lab.close());

/** On which nothing is ever due. */
const standing: Clock = { ...realClock, setTimeout: () => ({}) as Timer, clearTimeout: () => {} };

test('a node that shows that it is back is dialed at once, however long its turn is away', async () => {
  const [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
  const first = await lab.serve(bolt);
  const { port } = first;
  await first.close();
  const mesh = new Mesh({ identity: () => atlas.identity, clock: standing, random: realRandom, log: lab.log });
  mesh.setNodes([{ node: 'bolt', keySha256: bolt.keySha256, addresses: [{ host: '127.0.0.1', port }] }]);
  await until(() => mesh.problemOf('bolt') !== undefined);
  await lab.serve(bolt, { listen: [{ host: '127.0.0.1', port }] });
  expect(mesh.reachable).toEqual([]);
  mesh.heard('bolt');
  await until(() => mesh.reachable.includes('bolt'));
  await mesh.close();
});

test('a node that comes back is found within half a second, and a hundred that are down cost few tries', () => {
  const random = seededRandom(1);
  const waits = (down: number): number[] =>
    Array.from({ length: 500 }, () => backoffMs(patienceWith(down), 30, random.next()));
  expect(Math.max(...waits(3))).toBeLessThan(500);
  for (const down of [1, 10, 30, 100, 1000]) {
    const eachMs = waits(down).reduce((sum, ms) => sum + ms) / 500;
    expect((down * 1000) / eachMs).toBeLessThan(60);
  }
});
