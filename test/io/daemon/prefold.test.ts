/** An upgrade folds beforehand what its first start would fold, while the version of before still writes. */
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStateStore } from '#io/daemon/databases.ts';
import { prefold } from '#io/daemon/prefold.ts';
import { nextStateFolder, stateFolder } from '#io/daemon/state-folders.ts';
import { StateDatabase, stateVersions } from '#io/lab/state.ts';
import { Folded } from '#io/lab/folded.ts';
import { packEntry } from '#io/log/codec.ts';
import { packApplied } from '#io/log/raft/engine/applied.ts';
import { readBeside } from '#io/log/raft/history/read-beside.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import { entriesOf, eventsOf } from '#test/bench/history.ts';
import { sampleLab, type SampleLab } from '#test/io/lab-snapshot/sample-lab.ts';

const log = pino({ level: 'silent' });
const another = '["the version before"]';
let dataDir: string;
let sample: SampleLab;
const said: string[] = [];
const say = (line: string): void => void said.push(line);

beforeEach(async () => {
  said.length = 0;
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-prefold-'));
  sample = await sampleLab(join(dataDir, 'log'));
  await mkdir(join(dataDir, 'db'));
});
afterEach(async () => {
  await sample.close();
  await rm(dataDir, { recursive: true });
});

/** The database of a program with other machines, that folded so many events. */
async function stateOf(versions: string, upTo: number): Promise<StateDatabase> {
  const state = new StateDatabase(await openLevel(stateFolder(dataDir)), 'boot', { versions });
  await state.load();
  const folded = new Folded();
  const steps = [...eventsOf([...entriesOf(1000)])].slice(0, upTo).map((event) => folded.fold(event));
  await state.save(folded, steps, folded.takeChanges());
  return state;
}

/** What a start of this version goes on from. */
async function startsAt(versions?: string): Promise<number> {
  const { stateStore } = await openStateStore(dataDir, log);
  const state = new StateDatabase(stateStore, 'boot', versions === undefined ? {} : { versions });
  const { lab } = await state.load();
  await state.close();
  return lab.index;
}

describe('a state that was folded beforehand', () => {
  test('is taken over by the first start: it goes on where that ended, with the same state', async () => {
    await (await stateOf(another, 300)).close();
    const { index, folded } = await prefold(dataDir, say);
    expect([index, folded]).toEqual([sample.lab.index, sample.lab.index]);
    const { stateStore } = await openStateStore(dataDir, log);
    const state = new StateDatabase(stateStore, 'boot');
    const { lab } = await state.load();
    expect([lab.index, lab.versions()]).toEqual([sample.lab.index, sample.lab.versions()]);
    await state.close();
    expect((await readdir(join(dataDir, 'db'))).toSorted()).toEqual(['state', 'state.before', 'state.versions']);
  });

  test('is made while another program has its own open, and goes on with what came since', async () => {
    const serving = await stateOf(another, 300);
    await prefold(dataDir, say);
    const bytes = packEntry({ ...(entriesOf(1).next().value as never as object), expect: [] } as never);
    // An entry that came to nothing, one that is half written: neither is an event.
    const nothing = packApplied({ kind: 'nothing', head: sample.lab.index, body: bytes });
    await sample.keeper.append([{ index: sample.keeper.history.last + 1, term: 3, bytes: nothing }]);
    expect(await prefold(dataDir, say)).toEqual({ index: sample.lab.index, folded: 0 });
    await serving.close();
    expect(await startsAt()).toBe(sample.lab.index);
  });

  test('is of no use to a program whose own is right already', async () => {
    await (await stateOf(stateVersions, 300)).close();
    expect(await startsAt()).toBe(300);
    expect(await prefold(dataDir, say)).toEqual({ index: 0, folded: 0 });
    expect(said.join()).toContain('nothing to fold beforehand');
    expect(await readdir(join(dataDir, 'db'))).not.toContain('state.next');
  });

  test('leaves the one of before for whoever goes back to that version', async () => {
    await (await stateOf(another, 300)).close();
    await prefold(dataDir, say);
    expect(await startsAt()).toBe(sample.lab.index);
    await rename(stateFolder(dataDir), `${stateFolder(dataDir)}.of-the-new-one`);
    await rename(`${stateFolder(dataDir)}.before`, stateFolder(dataDir));
    const state = new StateDatabase(await openLevel(stateFolder(dataDir)), 'boot', { versions: another });
    expect((await state.load()).lab.index).toBe(300);
    await state.close();
  });

  test('is found whenever the power fails while it is taken over', async () => {
    for (const crashed of ['aside', 'taken', 'between'] as const) {
      await rm(join(dataDir, 'db'), { recursive: true });
      await mkdir(join(dataDir, 'db'));
      await (await stateOf(another, 300)).close();
      await prefold(dataDir, say);
      await rename(stateFolder(dataDir), `${stateFolder(dataDir)}.aside`);
      if (crashed !== 'aside') await rename(nextStateFolder(dataDir), stateFolder(dataDir));
      if (crashed === 'between') await rename(`${stateFolder(dataDir)}.aside`, `${stateFolder(dataDir)}.before`);
      expect(await startsAt()).toBe(sample.lab.index);
      // And the one of before is there for whoever goes back.
      expect((await readdir(join(dataDir, 'db'))).toSorted()).toEqual(['state', 'state.before', 'state.versions']);
    }
  });

  test('is not thrown away for the damage of the one whose place it takes', async () => {
    await (await stateOf(another, 300)).close();
    await prefold(dataDir, say);
    await writeFile(`${stateFolder(dataDir)}.damaged`, '');
    expect(await startsAt()).toBe(sample.lab.index);
    expect(await readdir(join(dataDir, 'db'))).toEqual(['state', 'state.versions']);
  });

  test('cannot be made of nothing', async () => {
    await expect(prefold(join(dataDir, 'nowhere'), say)).rejects.toMatchObject({ code: 'MISSING' });
  });
});

test('a history is read beside whoever writes it, up to its last whole entry, and nothing of it is changed', async () => {
  const path = join(dataDir, 'log', 'history');
  const before = await readdir(path);
  const indices: number[] = [];
  const directory = await openDirectory(path);
  for await (const slice of readBeside(directory)) indices.push(...slice.map(({ index }) => index));
  expect(indices).toEqual(Array.from({ length: sample.keeper.history.last }, (_, n) => n + 1));
  // Sealed, and not yet in the manifest.
  const [open = ''] = before.filter((name) => name.endsWith('.open'));
  await rename(join(path, open), join(path, open.replace('.open', '.segment')));
  const again: number[] = [];
  for await (const slice of readBeside(directory)) again.push(...slice.map(({ index }) => index));
  expect(again).toEqual(indices);
  await rename(join(path, open.replace('.open', '.segment')), join(path, open));
  expect(await readdir(path)).toEqual(before);
});
