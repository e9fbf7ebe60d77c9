/** What nodes tell of themselves is shown; what they tell of others is not, and neither is what nobody can read. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StreamId } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { Gossip } from '#io/lab/gossip.ts';
import { limited } from '#io/lab/limited.ts';
import { Observed } from '#io/lab/observed.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { MemoryOthers } from './memory-others.ts';

const signal = new AbortController().signal;
const figures = { at: 1, usedBytes: 17 };

describe('what another node tells', () => {
  let lab: TestLab;
  let observed: Observed;
  let gossip: Gossip;
  let bolt: MemoryOthers;
  let heard: StreamId[];
  let volume: StreamId<'volume'>;
  beforeEach(() => {
    lab = TestLab.ready();
    lab.join('bolt');
    volume = create('photos');
    place(volume, 'node:atlas');
    observed = new Observed(lab.lab);
    const network = new Map<string, MemoryOthers>();
    const here = new MemoryOthers('crow', network, () => false);
    bolt = new MemoryOthers('bolt', network, () => false);
    new MemoryOthers('atlas', network, () => false);
    heard = [];
    gossip = new Gossip({
      lab: lab.lab,
      observed,
      others: here,
      clock: realClock,
      onHeard: (node) => heard.push(node),
    });
    // Who is told something answers.
    bolt.answer('lab/observed', async () => null);
  });
  afterEach(() => gossip.stop());

  const create = (name: string): StreamId<'volume'> => {
    lab.must('create-volume', { name, spec: { sizeBytes: 2 ** 26 } });
    return lab.volume(name);
  };
  const place = (of: StreamId<'volume'>, node: StreamId<'node'>) =>
    lab.must('place-volume', { volume: of, node, pool: 'main' }, 'policy:placement');
  const tell = (rows: readonly unknown[], more: object = {}): Promise<unknown> =>
    bolt.ask('crow', 'lab/observed', { whole: false, rows, watched: [], ...more }, signal);
  const usage = (): readonly string[] => observed.rows('usage').map(([key]) => key);

  test('of its own machine and pools is shown', async () => {
    await tell([
      ['usage', 'node:bolt', figures],
      ['usage', 'pool:bolt/main', figures],
    ]);
    expect(usage()).toEqual(['node:bolt', 'pool:bolt/main']);
    expect(heard).toEqual(['node:bolt']);
  });

  test('of another node, its volumes and its apps is not', async () => {
    lab.running('name: wiki\nservices: { web: { image: wiki } }\n');
    const app = lab.app('wiki').slice('app:'.length);
    const { node } = lab.lab.get(lab.instance('wiki'))?.context ?? {};
    expect(node).toBe('node:atlas');
    await tell([
      ['usage', 'node:atlas', figures],
      // An id that begins like its own.
      ['usage', 'node:bolt2', figures],
      ['usage', 'pool:atlas/main', figures],
      ['usage', volume, figures],
      ['usage', `service:${app}/web`, figures],
      ['work', volume, work(volume, 'node:bolt')],
      ['work', volume, work(volume, 'node:atlas')],
      ['work', 'node:bolt', work('node:bolt', 'node:bolt')],
    ]);
    expect([...observed.rows('usage'), ...observed.rows('work')]).toEqual([]);
  });

  test('of what this node has not heard of yet is shown once it has', async () => {
    const music = create('music');
    await tell([
      ['work', music, work(music, 'node:bolt')],
      ['usage', music, figures],
    ]);
    expect([...observed.rows('usage'), ...observed.rows('work')]).toEqual([]);
    place(music, 'node:bolt');
    await tell([]);
    expect([usage(), observed.rows('work').map(([key]) => key)]).toEqual([[music], [music]]);
  });

  test('is taken up to what can be read of it', async () => {
    const wrong = [
      ['usage', 'node:bolt', { at: 'now' }],
      ['usage', 'node:bolt', []],
      ['weather', 'node:bolt', figures],
    ];
    await tell([...wrong, ['usage', 'pool:bolt/main', { ...figures, colour: 'red' }]]);
    expect(observed.rows('usage')).toEqual([['pool:bolt/main', figures]]);
    await expect(tell([['usage']])).rejects.toThrow();
    await expect(tell(Array.from({ length: 20_001 }, () => ['usage', 'node:bolt', null]))).rejects.toThrow();
    await expect(tell([['usage', 'x'.repeat(513), figures]])).rejects.toThrow();
  });

  test('goes with what replaces it', async () => {
    await tell([
      ['usage', 'node:bolt', figures],
      ['usage', 'pool:bolt/main', figures],
    ]);
    await tell([['usage', 'node:bolt', null]]);
    expect(usage()).toEqual(['pool:bolt/main']);
    await tell([['usage', 'node:bolt', figures]], { whole: true });
    expect(usage()).toEqual(['node:bolt']);
  });
});

const work = (subject: string, node: string) => ({
  work: 'create-dataset',
  subject,
  node,
  app: null,
  correlation: 'c',
  state: 'working',
  attempt: 1,
  since: 1,
  text: 'making it',
});

test('a node that asks for something without end is refused after a while, and no other node with it', async () => {
  const clock = new VirtualClock(0);
  const answer = limited({ perSecond: 1, burst: 3 }, clock, async () => 'yes');
  const ask = (node: string): Promise<unknown> =>
    answer(null, node, signal).catch((error: unknown) => (error as { code: string }).code);
  expect(await Promise.all(['a', 'a', 'a', 'a', 'b'].map(ask))).toEqual(['yes', 'yes', 'yes', 'BUSY', 'yes']);
  await clock.run(2000);
  expect(await Promise.all(['a', 'a', 'a'].map(ask))).toEqual(['yes', 'yes', 'BUSY']);
});
