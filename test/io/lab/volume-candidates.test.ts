/** What could be adopted in a pool of another node, asked for here: any node answers for any node. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { mostVolumeCandidates } from '#io/contract/volume-candidates.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simVolumes, type SimVolumes } from '#io/devices/volumes/sim.ts';
import type { NodeVolumes } from '#io/lab/port.ts';
import { nodeVolumes, remoteVolumes } from '#io/lab/volume-candidates.ts';
import { patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from '../devices/volumes/self-winding-clock.ts';
import { MemoryOthers } from './memory-others.ts';

const lab = {
  get: () => ({ state: 'up', context: { metadata: { name: 'vega' } } }),
} as unknown as LabView;

describe('what could be adopted on another node', () => {
  let volumes: SimVolumes;
  let here: NodeVolumes;
  let isCut = false;
  beforeEach(() => {
    isCut = false;
    const pools = [{ name: 'main', sizeBytes: 2 ** 30, driver: 'zfs' as const }];
    volumes = simVolumes({ clock: selfWindingClock(), random: seededRandom(1), pools });
    const network = new Map<string, MemoryOthers>();
    const of = (node: string) => new MemoryOthers(node, network, () => isCut);
    here = remoteVolumes({ local: nodeVolumes(() => undefined), lab, others: of('atlas') });
    const onVega = nodeVolumes((node) => (node === 'node:vega' ? volumes : undefined));
    remoteVolumes({ local: onVega, lab, others: of('vega') });
  });
  const ask = (pool = 'main') => here.candidates('node:vega', pool, patient());

  test('is told as if it were here, and why something cannot be', async () => {
    const { native, path } = volumes.addNative('main', 'photos');
    const other = volumes.addOther('main', 'zvol');
    expect(await ask()).toEqual({
      items: [
        { native, path, usedBytes: expect.any(Number), why: null },
        { native: other, path: null, usedBytes: null, why: expect.stringMatching(/./) },
      ],
      truncated: false,
    });
  });

  test('is cut off with a word where it is more than a person would choose from', async () => {
    for (let n = 0; n <= mostVolumeCandidates; n++) volumes.addNative('main', `n${n}`);
    const { items, truncated } = await ask();
    expect([items.length, truncated]).toEqual([mostVolumeCandidates, true]);
  });

  test('a pool that is not there and a node that does not answer are refused, with which it is', async () => {
    await expect(ask('none')).rejects.toMatchObject({ code: 'POOL_MISSING' });
    await expect(here.candidates('node:atlas', 'main', patient())).rejects.toMatchObject({ code: 'MISSING' });
    isCut = true;
    await expect(ask()).rejects.toMatchObject({ message: expect.stringContaining('vega') });
  });
});
