/** Nodes that fold the same come to the same, and one that does not is found out. */
import { afterEach, describe, expect, test } from 'vitest';
import { pino } from 'pino';
import { asIndex, type LabEvent } from '#events/envelope.ts';
import { Lab } from '#actors/lab.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { StateDatabase, stored } from '#io/lab/state.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { StateHash } from '#io/lab/state-hash.ts';
import { compareAtLeastEvery, compareEvery, StateWatch } from '#io/lab/state-watch.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { entriesOf, eventsOf } from '#test/bench/history.ts';
import { Door } from '#test/actors/door.ts';
import { MemoryOthers } from './memory-others.ts';
import { SeveralNodes, type LabNode } from './several.ts';

const events = [...eventsOf([...entriesOf(900)])];

describe('the hash of a lab', () => {
  test('is the same wherever the fold went on from what was stored', () => {
    const [whole, cut] = [new Lab(), new Lab()];
    for (const event of events) whole.fold(event);
    const first = new Lab();
    for (const event of events.slice(0, 400)) first.fold(event);
    const kinds = [
      'app',
      'cluster',
      'instance',
      'namespace',
      'node',
      'operation',
      'schedule',
      'snapshot',
      'volume',
    ] as const;
    const turned = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([key, one]) => [key, turned(one)]),
          );
    // With the keys of all objects in another order.
    const actors = kinds.flatMap((kind) => first.list(kind).map((actor) => turned(stored(actor)) as never));
    cut.restore(first, actors, first.commands);
    const hash = new StateHash();
    hash.of(cut);
    for (const event of events.slice(400)) cut.fold(event);
    expect(hash.of(cut)).toBe(new StateHash().of(whole));
  });

  test('is another one when anything is different', () => {
    const lab = new Lab();
    const hash = new StateHash();
    const seen = new Set<string>();
    for (const event of events.slice(0, 60)) {
      lab.fold(event);
      seen.add(hash.of(lab));
    }
    expect(seen.size).toBe(60);
  });
});

test('what is distrusted is not gone on from', async () => {
  const store = new SimDisk({ clock: new VirtualClock(0), random: seededRandom(1), latencyMs: 0 }).open();
  const state = new StateDatabase(store, 'boot');
  const folded = await state.load();
  const steps = events.slice(0, 100).map((event) => folded.fold(event));
  await state.save(folded, steps, folded.takeChanges());
  expect((await new StateDatabase(store, 'boot').load()).lab.index).toBe(100);
  await state.distrust();
  expect((await new StateDatabase(store, 'boot').load()).lab.index).toBe(0);
});

describe('nodes that compare', () => {
  const stops: (() => void)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });

  interface Node {
    readonly lab: Lab;
    readonly odd: string[];
    readonly logged: string[];
    fold(event: LabEvent): void;
  }

  /** Time goes by between any two looks at it. */
  class Slow extends VirtualClock {
    #ms = 0;
    override monotonicMs(): number {
      return (this.#ms += 10_000);
    }
  }

  /** A lab of so many nodes, as each of them has folded it. */
  function nodes(count: number, clock: VirtualClock = new Slow(0)): Node[] {
    const door = new Door();
    for (let n = 2; n <= count; n++) door.member(`n${n}`, String(n));
    const network = new Map<string, MemoryOthers>();
    return Array.from({ length: count }, (_, n) => {
      const lab = new Lab();
      const [odd, logged]: string[][] = [[], []];
      const log = pino({}, { write: (line: string) => void logged?.push(line) });
      const others = new MemoryOthers(`n${n}`, network, () => false);
      const onOdd = (explain: string): void => void odd?.push(explain);
      const watch = new StateWatch({ lab, others, clock, log, onOdd });
      stops.push(() => watch.stop());
      const fold = (event: LabEvent): void => {
        lab.fold(event);
        watch.folded();
      };
      for (const event of door.lab.events) fold(event);
      return { lab, odd: odd ?? [], logged: logged ?? [], fold };
    });
  }

  /** What all of them get. */
  const filler = ({ lab }: Node): LabEvent =>
    ({
      ...{ stream: 'node:atlas', type: 'node.labelled', schema: 1, data: { labels: { n: String(lab.index) } } },
      ...{ id: `x/${lab.index}`, command: 'x', by: 'user:admin', cause: 'x', correlation: 'x', at: lab.at },
      ...{ index: asIndex(lab.index + 1), version: (lab.get('node:atlas')?.version ?? 0) + 1 },
    }) as LabEvent;
  const goOn = async (all: readonly Node[], to: number): Promise<void> => {
    for (const node of all) while (node.lab.index < to) node.fold(filler(node));
    await new Promise((resolve) => setImmediate(resolve));
  };
  /** A bit turns over. */
  const spoil = (node: Node): void => {
    const atlas = node.lab.get('node:atlas');
    Object.assign(atlas?.context ?? {}, { cordoned: true });
  };

  test('find nothing as long as all are well, in whatever order they fold', async () => {
    const [one, two, three] = nodes(3) as [Node, Node, Node];
    await goOn([one], compareEvery + 5);
    await goOn([three, two], 2 * compareEvery);
    await goOn([one], 2 * compareEvery);
    for (const node of [one, two, three]) expect([node.odd, node.logged]).toEqual([[], []]);
  });

  test('find the one that came to something else, and it alone is told, once', async () => {
    const [one, two, three] = nodes(3) as [Node, Node, Node];
    spoil(two);
    await goOn([one, two, three], 4 * compareEvery);
    expect([one.odd, three.odd]).toEqual([[], []]);
    expect(two.odd).toEqual([expect.stringContaining(`as of event ${compareEvery} 2 of 3 nodes`)]);
  });

  test('compare rarely while much happens, and then all at the same events', async () => {
    const [one, two, three] = nodes(3, new VirtualClock(0)) as [Node, Node, Node];
    await goOn([one, two, three], compareEvery);
    spoil(two);
    await goOn([three, one, two], compareAtLeastEvery - 1);
    expect(two.odd).toEqual([]);
    await goOn([three, one, two], compareAtLeastEvery);
    expect(two.odd).toEqual([expect.stringContaining(`as of event ${compareAtLeastEvery} 2 of 3 nodes`)]);
  });

  test('take leadership from the one that is odd, and what it stored is folded anew', async () => {
    const several = new SeveralNodes();
    const [one] = await several.start(3);
    const leader = await several.leader();
    const cluster = leader.lab.view.get('cluster:lab');
    Object.assign(cluster?.context.metadata ?? {}, { name: 'another' });
    const zones = ['Europe/Berlin', 'UTC'];
    for (let n = 0; n < compareEvery; n++) {
      const input = { timeZone: zones[n % 2] };
      const request = { id: `ask-${n}`, name: 'change-settings', input, by: 'user:admin' } as const;
      void (one as LabNode).lab.run(request, AbortSignal.timeout(20_000)).catch(() => undefined);
    }
    await several.group.until(() => leader.broken.length > 0, 'the odd one found');
    expect(leader.broken).toEqual([expect.stringContaining('2 of 3 nodes')]);
    expect(several.nodes.flatMap(({ broken }) => broken)).toHaveLength(1);
    const late = {
      id: 'late',
      name: 'change-settings',
      input: { timeZone: 'Europe/Paris' },
      by: 'user:admin',
    } as const;
    await expect(leader.lab.commander.run(late, AbortSignal.timeout(1000))).rejects.toMatchObject({
      code: 'NOT_LEADER',
    });
    await several.stop();
  });

  test('say that they differ where nobody knows who is right', async () => {
    const [one, two] = nodes(2) as [Node, Node];
    spoil(two);
    await goOn([one, two], compareEvery);
    expect([one.odd, two.odd]).toEqual([[], []]);
    expect(one.logged.join()).toContain('nobody knows which is right');
  });
});
