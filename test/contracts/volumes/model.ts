/** Any history of commands, compared with what a person would think that happens. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { IoErrorCode } from '#io/devices/error.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import type { Bench } from './bench.ts';
import { spec } from './bench.ts';

export function modelContract(bench: Bench, { runs, commands }: { runs: number; commands: number }): void {
  let count = 0;
  test('any history of commands leaves what a simple model says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: commands }), async (history) => {
        const prefix = `model-${++count}`;
        const at = (set: string): Dataset => ({ pool: bench.it.pool, name: `${prefix}-${set}` });
        const model = new Model();
        try {
          for (const step of history) await compare(bench, model, step, at);
        } finally {
          for (const set of sets) await bench.volumes.destroy(at(set), { scrub: false }, bench.patient());
        }
      }),
      { numRuns: runs },
    );
  }, 120_000);
}

/** Datasets are maps of files, snapshots and clones are copies. */
class Model {
  readonly sets = new Map<string, ModelSet>();

  /** @returns the code of the refusal, or undefined */
  apply(step: Command): IoErrorCode | undefined {
    const set = this.sets.get(step.set);
    const find = (wanted: string) => set?.snapshots.find(([name]) => name === wanted)?.[1];
    switch (step.do) {
      case 'create':
        if (!set) this.sets.set(step.set, { live: new Map(), snapshots: [], last: '' });
        return undefined;
      case 'clone': {
        if (this.sets.has(step.into)) return undefined;
        const source = find(step.snapshot);
        if (!source) return 'MISSING';
        this.sets.set(step.into, { live: new Map(source), snapshots: [], last: '' });
        return undefined;
      }
      case 'destroy':
        this.sets.delete(step.set);
        return undefined;
      case 'remove':
        if (set) set.snapshots = set.snapshots.filter(([name]) => !step.snapshots.includes(name));
        return undefined;
      case 'write':
        set?.live.set('file', step.text);
        return undefined;
      case 'snapshot':
        if (!set) return 'MISSING';
        if (!find(step.snapshot)) set.snapshots.push([step.snapshot, new Map(set.live)]);
        return undefined;
      case 'rollback': {
        if (step.snapshot === step.stash) return 'INVALID';
        if (!set) return 'MISSING';
        const id = `${step.snapshot}→${step.stash}`;
        if (find(step.stash)) return set.last === id ? undefined : 'EXISTS';
        const source = find(step.snapshot);
        if (!source) return 'MISSING';
        set.snapshots.push([step.stash, set.live]);
        set.live = new Map(source);
        set.last = id;
        return undefined;
      }
    }
  }
}

interface ModelSet {
  live: Map<string, string>;
  snapshots: [name: string, files: Map<string, string>][];
  /** The last rollback: a repetition of it is done already. */
  last: string;
}

type Command =
  | { readonly do: 'create' | 'destroy'; readonly set: string }
  | { readonly do: 'write'; readonly set: string; readonly text: string }
  | { readonly do: 'snapshot'; readonly set: string; readonly snapshot: string }
  | { readonly do: 'remove'; readonly set: string; readonly snapshots: readonly string[] }
  | { readonly do: 'clone'; readonly set: string; readonly snapshot: string; readonly into: string }
  | { readonly do: 'rollback'; readonly set: string; readonly snapshot: string; readonly stash: string };

const sets = ['x', 'y'];
const set = fc.constantFrom(...sets);
const snapshot = fc.constantFrom('a', 'b', 'c');
const snapshots = fc.subarray(['a', 'b', 'c'], { minLength: 1 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('create' as const), set }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write' as const), set, text: fc.constantFrom('1', '2', '3') }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('snapshot' as const), set, snapshot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), set, snapshots }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clone' as const), set, snapshot, into: set }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rollback' as const), set, snapshot, stash: snapshot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), set }) },
);

async function compare(bench: Bench, model: Model, step: Command, at: (set: string) => Dataset): Promise<void> {
  if (step.do === 'write' && !model.sets.has(step.set)) return;
  const expected = model.apply(step);
  expect(await bench.codeOf(perform(bench, step, at)), JSON.stringify(step)).toBe(expected);
  for (const name of step.do === 'clone' ? sets : [step.set]) {
    const [of, known] = [at(name), model.sets.get(name)];
    const info = await bench.volumes.inspect(of, bench.patient());
    expect(info !== undefined).toBe(known !== undefined);
    if (!known) continue;
    expect(await bench.read(of, 'file')).toBe(known.live.get('file'));
    expect(await bench.names(of)).toEqual(known.snapshots.map(([one]) => one));
    for (const [one, files] of known.snapshots)
      expect(await bench.readSnapshot(of, one, 'file')).toBe(files.get('file'));
  }
}

function perform(bench: Bench, step: Command, at: (set: string) => Dataset): Promise<unknown> {
  const { volumes, patient } = bench;
  const of = at(step.set);
  switch (step.do) {
    case 'create':
      return volumes.create(of, spec, patient());
    case 'destroy':
      return volumes.destroy(of, { scrub: false }, patient());
    case 'write':
      return bench.write(of, 'file', step.text);
    case 'snapshot':
      return volumes.snapshot(of, step.snapshot, patient());
    case 'remove':
      return volumes.removeSnapshots(of, step.snapshots, patient());
    case 'clone':
      return volumes.clone(of, step.snapshot, at(step.into), spec, patient());
    case 'rollback':
      return volumes.rollback(of, step.snapshot, step.stash, patient());
  }
}
