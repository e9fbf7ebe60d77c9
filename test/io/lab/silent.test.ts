/** Nodes that were never heard of: they died together with the leader before. */
import { afterEach, expect, test } from 'vitest';
import { silenceMs } from '#actors/policies/liveness.ts';
import { streamOf } from '#events/envelope.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { SeveralNodes } from './several.ts';

const never = new AbortController().signal;
let several: SeveralNodes;
afterEach(() => several.stop());

test('a node that a new leader never hears of is noticed all the same', async () => {
  const clock = new VirtualClock(1_800_000_000_000);
  let isRunning = true;
  const running = (async () => {
    while (isRunning) await clock.step();
  })();
  several = new SeveralNodes({ clock });
  const [node] = await several.start(1);
  const dead = streamOf('node', 'vega');
  const facts = {
    architecture: 'amd64',
    cpus: 2,
    memoryBytes: 2 ** 30,
    os: 'Debian',
    kernel: '6.1',
    engine: null,
    pools: [],
    version: '1',
  };
  const input = { node: dead, name: 'vega', addresses: [], facts };
  await node?.lab.run({ id: 'join', name: 'join-node', input, by: 'node:vega' }, never);
  expect(node?.lab.view.get(dead)?.state).toBe('up');
  const begun = clock.monotonicMs();
  await several.group.until(() => node?.lab.view.get(dead)?.state === 'down', 'the silence being noticed');
  expect(clock.monotonicMs() - begun).toBeLessThan(2 * silenceMs);
  isRunning = false;
  await running;
});
