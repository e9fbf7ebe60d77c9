/** The daemon dies behind any step: the next one finds all of it or nothing of it, and can do it again. */
import { describe, expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import { epoch, expectReplica, held, lineage, move, patient, read, spec, write } from './bench.ts';
import type { Ports, SideUnderTest } from '../replication.ts';

class Crash extends Error {}

export function interruptedContract(bench: ReplicationBench, length: 'whole' | 'short'): void {
  /**
   * Does it once for each of its steps, and dies there; then, with other ports, looks, and does it again.
   * @param prepare what it is done to @param look what must hold before it is done again @param after … and afterwards
   */
  const atEachStep = async <T>(
    side: () => SideUnderTest,
    prepare: () => Promise<T>,
    act: (ports: Ports, it: T) => Promise<unknown>,
    look: (ports: Ports, it: T) => Promise<void>,
    after: (ports: Ports, it: T) => Promise<void>,
  ): Promise<void> => {
    const steps: string[] = [];
    await act(
      side().reopen((step) => void steps.push(step)),
      await prepare(),
    );
    expect(steps.length).toBeGreaterThan(0);
    const fatal = length === 'whole' ? steps.map((_, n) => n) : steps.map((_, n) => n).filter((n) => n % 2 === 1);
    for (const n of fatal) {
      const it = await prepare();
      let at = 0;
      const dying = side().reopen((step) => {
        if (at++ === n) throw new Crash(step);
      });
      const death = await act(dying, it).catch((error: unknown) => error);
      expect(death, `${n}: ${steps[n]}`).toMatchObject({ cause: expect.any(Crash) });
      const ports = side().reopen();
      await look(ports, it);
      await act(ports, it);
      await after(ports, it);
    }
  };

  describe('interrupted at each step', () => {
    test('a stream that came is there whole or not at all', async () => {
      await atEachStep(
        () => bench.there,
        () => bench.replicated(),
        (ports, { of, into, one, two }) => move(bench.here, ports, of, into, { from: one, to: two }),
        async (ports, { into }) => {
          const now = await held(ports, into);
          expect([['one'], ['one', 'two']]).toContainEqual(now?.names);
          expect(now?.role).toBe('replica');
        },
        async (ports, { into }) => {
          await expectReplica(ports, into, ['one', 'two']);
          await ports.replication.promote(into, epoch(2), spec, patient());
          expect(await read({ ...bench.there, ...ports }, into)).toBe('two');
        },
      );
    });

    test('a first stream makes a replica or nothing', async () => {
      await atEachStep(
        () => bench.there,
        async () => {
          const pair = await bench.made();
          return { ...pair, one: await bench.here.volumes.snapshot(pair.of, 'one', patient()) };
        },
        (ports, { of, into, one }) => move(bench.here, ports, of, into, { to: one }),
        async (ports, { into }) =>
          expect([undefined, []]).toContainEqual((await held(ports, into))?.names.filter((name) => name !== 'one')),
        (ports, { into }) => expectReplica(ports, into, ['one']),
      );
    });

    test('a promotion leaves a replica or a volume', async () => {
      await atEachStep(
        () => bench.there,
        () => bench.replicated(),
        (ports, { into }) => ports.replication.promote(into, epoch(2), spec, patient()),
        async (ports, { into }) => {
          const now = await held(ports, into);
          expect(now?.names).toEqual(['one']);
          const info = await ports.volumes.inspect(into, patient());
          expect(info !== undefined).toBe(now?.role === 'volume');
        },
        async (ports, { into }) => {
          const side = { ...bench.there, ...ports };
          expect(await read(side, into)).toBe('one');
          await write(side, into, 'new');
          const size = (await ports.volumes.inspect(into, patient()))?.sizeBytes;
          expect(size).toBe(side.hasNoSizes ? undefined : spec.sizeBytes);
        },
      );
    });

    test('a demotion leaves a volume or a replica, and keeps what was written', async () => {
      await atEachStep(
        () => bench.here,
        async () => {
          const pair = await bench.made('written');
          await bench.here.volumes.snapshot(pair.of, 'one', patient());
          await write(bench.here, pair.of, 'unseen');
          return pair;
        },
        (ports, { of }) => ports.replication.demote(of, { epoch: epoch(2), lineage, final: 'final' }, patient()),
        async (ports, { of }) => {
          const now = await held(ports, of);
          expect(now?.names).toEqual(now?.role === 'volume' ? ['one'] : ['one', 'final']);
        },
        async (ports, { of }) => {
          await expectReplica(ports, of, ['one', 'final']);
          await ports.replication.promote(of, epoch(3), spec, patient());
          expect(await read({ ...bench.here, ...ports }, of)).toBe('unseen');
        },
      );
    });

    test('what diverged is in the replica or in the volume that is made of it', async () => {
      const aside = (of: { readonly pool: string; readonly name: string }) => ({ ...of, name: `${of.name}-diverged` });
      await atEachStep(
        () => bench.here,
        async () => {
          const it = await bench.replicated();
          await bench.here.replication.demote(it.of, { epoch: epoch(2), lineage, final: 'lost' }, patient());
          return it;
        },
        (ports, { of, one }) =>
          ports.replication.setAside(of, { epoch: epoch(2), lineage, common: one.guid, as: aside(of).name }, patient()),
        async (ports, { of }) => {
          const names = (await held(ports, of))?.names;
          const kept = await ports.volumes.inspect(aside(of), patient());
          expect(names).toEqual(kept ? ['one'] : ['one', 'two', 'lost']);
        },
        async (ports, { of }) => {
          await expectReplica(ports, of, ['one']);
          const side = { ...bench.here, ...ports };
          expect(await read(side, aside(of))).toBe('two');
          expect((await ports.volumes.snapshots(aside(of), patient())).map(({ name }) => name)).toEqual([
            'two',
            'lost',
          ]);
        },
      );
    });
  });
}
