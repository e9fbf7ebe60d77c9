/** The machines by which a lab folds: each index by the version in force there, on every node and in every refold. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeFacts } from '#events/node.ts';
import { kinds } from '#events/envelope.ts';
import { Lab } from '#actors/lab.ts';
import { FoldTooNew, foldVersionIn, libraries, libraryOf } from '#actors/libraries.ts';
import { machines } from '#actors/machines.ts';
import { upgradePolicy } from '#actors/policies/upgrade.ts';
import { foldVersions } from '#actors/versions.ts';
import { stored } from '#io/lab/state.ts';
import { Door } from './door.ts';
import { secondLibrary } from './second-library.ts';
import { TestLab } from './test-lab.ts';

const played = libraries.get(2) ?? machines;
beforeAll(() => void libraries.set(2, secondLibrary));
afterAll(() => void libraries.set(2, played));

const labels = (lab: Pick<Lab, 'byName'>): unknown => lab.byName('node', 'system', 'atlas')?.context.metadata.labels;
const label = (lab: TestLab, value: string): void =>
  void lab.must('label-node', { name: 'atlas', labels: { zone: value } });

function supporting(lab: TestLab, name: string, max: number): void {
  const node = lab.lab.byName('node', 'system', name);
  if (!node) throw new Error(`there is no node ${name}`);
  const facts: NodeFacts = {
    ...node.context.facts,
    supports: { protocol: { min: 1, max: 1 }, fold: { min: 1, max } },
  };
  lab.must('report-node', { node: node.stream, addresses: [], facts }, node.stream);
}

/** Labelled before and after the lab went on to the second version. */
function switched(): TestLab {
  const lab = TestLab.ready();
  label(lab, 'attic');
  supporting(lab, 'atlas', 2);
  lab.must('switch-fold-version', { version: 2 });
  return lab;
}

const everything = (lab: Lab): unknown => kinds.flatMap((kind) => lab.list(kind).map(stored));

describe('a lab that goes on to another version', () => {
  test('folds what came before by the one before, and what follows by the new one', () => {
    const lab = switched();
    expect(labels(lab.lab)).toEqual({ zone: 'attic' });
    expect([lab.lab.foldVersion, foldVersionIn(lab.lab)]).toEqual([2, 2]);
    label(lab, 'cellar');
    expect(labels(lab.lab)).toEqual({ zone: 'CELLAR' });
  });

  test('comes to the same in a refold, and wherever it goes on from what was stored', () => {
    const lab = switched();
    label(lab, 'cellar');
    lab.must('change-settings', { timeZone: 'Europe/Berlin' });
    for (let cut = 0; cut <= lab.events.length; cut++) {
      const first = new Lab();
      for (const event of lab.events.slice(0, cut)) first.fold(event);
      const second = new Lab();
      const actors = kinds.flatMap((kind) => first.list(kind).map((actor) => structuredClone(stored(actor))));
      second.restore(first, actors, first.commands);
      for (const event of lab.events.slice(cut)) second.fold(event);
      expect(everything(second)).toEqual(everything(lab.lab));
    }
  });

  test('decides by the version that is in force where the decision comes to stand', () => {
    const lab = switched();
    const { events } = lab.run('label-node', { name: 'atlas', labels: { zone: 'roof' } });
    expect(events.map(({ type }) => type)).toEqual(['node.labelled']);
    expect(labels(lab.lab)).toEqual({ zone: 'ROOF' });
    // Only the first ones can be cordoned.
    expect(TestLab.ready().run('cordon-node', { name: 'atlas' }).rejected).toBeUndefined();
    expect(lab.run('cordon-node', { name: 'atlas' }).rejected?.code).toBe('NOT_NOW');
  });

  test('is not folded by a program that does not have it, which says so', () => {
    const lab = switched();
    libraries.delete(2);
    try {
      const older = new Lab();
      expect(() => lab.events.forEach((event) => older.fold(event))).toThrow(FoldTooNew);
      const actors = kinds.flatMap((kind) => lab.lab.list(kind).map(stored));
      expect(() => new Lab().restore(lab.lab, actors, [])).toThrow(
        'the lab folds its events by version 2 of the machines; this program knows 1',
      );
      expect(lab.run('switch-fold-version', { version: 9 }).rejected?.explain).toContain('knows up to 3');
    } finally {
      libraries.set(2, secondLibrary);
    }
  });
});

describe('the lab goes on by itself', () => {
  const proposed = ({ lab }: TestLab): unknown => upgradePolicy.propose('cluster:lab', lab, {} as never, 0);

  test('as soon as every node can, down or up, and not before', () => {
    const door = new Door();
    const { lab } = door;
    door.member('vega', '2');
    // Atlas does not say.
    expect(proposed(lab)).toEqual([]);
    supporting(lab, 'vega', 1);
    supporting(lab, 'atlas', 2);
    expect(proposed(lab)).toEqual([]);
    door.down('vega');
    expect(proposed(lab)).toEqual([]);
    supporting(lab, 'vega', 3);
    expect(proposed(lab)).toMatchObject([{ name: 'switch-fold-version', input: { version: 2 } }]);
    supporting(lab, 'atlas', 9);
    // To the newest that all have, and that this program has, too.
    expect(proposed(lab)).toMatchObject([{ input: { version: 3 } }]);
    lab.must('switch-fold-version', { version: 3 }, 'policy:upgrade');
    expect(proposed(lab)).toEqual([]);
  });

  test('when the last one that could not is gone', () => {
    const door = new Door();
    const { lab } = door;
    door.member('vega', '2');
    supporting(lab, 'atlas', 2);
    supporting(lab, 'vega', 1);
    door.down('vega');
    lab.must('remove-node', { name: 'vega', force: true });
    const gone = lab.events.at(-1);
    const after = lab.lab.get('cluster:lab');
    const wakes = upgradePolicy.wakes(
      { event: gone as never, before: undefined, after: { kind: 'node' } as never },
      lab.lab,
    );
    expect([wakes, after?.kind]).toEqual([['cluster:lab'], 'cluster']);
    expect(proposed(lab)).toMatchObject([{ input: { version: 2 } }]);
  });

  test('and lets nobody in who cannot follow', () => {
    const door = new Door();
    supporting(door.lab, 'atlas', 2);
    door.lab.must('switch-fold-version', { version: 2 }, 'policy:upgrade');
    const facts = {
      ...door.asks('vega', '2').facts,
      supports: { protocol: { min: 1, max: 1 }, fold: { min: 1, max: 1 } },
    };
    expect(door.admit('vega', '2', { facts }).rejected).toMatchObject({
      code: 'FOLD_UNSUPPORTED',
      hint: 'Upgrade FloatLab on vega.',
    });
  });
});

describe('this program', () => {
  test('has a library for every version that it says to have, and every state of one is in the next', () => {
    const { min, max } = foldVersions;
    for (let version = min; version <= max; version++) {
      const library = libraryOf(version);
      const before = version > min ? libraryOf(version - 1) : library;
      for (const kind of kinds) {
        const states = Object.keys(library[kind].machine.states);
        expect(states).toEqual(expect.arrayContaining(Object.keys(before[kind].machine.states)));
      }
    }
  });
});
