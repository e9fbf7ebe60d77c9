/** A volume on a simulated machine from its making to its end, and what becomes of its data on the way. */
import { describe, expect, test } from 'vitest';

import { OneMachine } from './one-machine.ts';

const spec = { sizeBytes: 2 ** 26 };

async function withVolume(): Promise<{
  readonly one: OneMachine;
  readonly files: (name: string) => Map<string, string> | undefined;
}> {
  const one = await OneMachine.started();
  await one.must('create-volume', { name: 'data', spec });
  await ready(one, 'data');
  const [machine] = one.world.machines;
  const files = (name: string): Map<string, string> | undefined => {
    const path = one.lab.byName('volume', 'default', name)?.context.path;
    return path === undefined || path === null ? undefined : machine?.volumes.filesAt(path);
  };
  files('data')?.set('page', 'one');
  return { one, files };
}

const stateOf = (one: OneMachine, name: string): string | undefined => one.lab.byName('volume', 'default', name)?.state;

const ready = (one: OneMachine, name: string): Promise<void> =>
  one.until(`${name} is ready (it is ${stateOf(one, name)})`, () => stateOf(one, name) === 'ready');

describe('a volume', () => {
  test('is cloned as of now, and what is written to one is not in the other', async () => {
    const { one, files } = await withVolume();
    await one.must('clone-volume', { name: 'data', as: 'test' });
    await ready(one, 'test');
    expect(files('test')).toEqual(new Map([['page', 'one']]));
    files('test')?.set('page', 'two');
    expect(files('data')).toEqual(new Map([['page', 'one']]));
    const of = one.lab.byName('volume', 'default', 'data')?.stream;
    await one.until('the snapshot is gone', () => of !== undefined && one.lab.referrers(of, 'snapshot').length === 0);
  });

  test('is cloned although the daemon is killed again and again meanwhile', async () => {
    const { one, files } = await withVolume();
    await one.must('clone-volume', { name: 'data', as: 'test' });
    for (let n = 0; n < 10 && stateOf(one, 'test') !== 'ready'; n++) {
      await one.clock.run(3 + 7 * n);
      await one.restart();
    }
    await ready(one, 'test');
    expect(files('test')).toEqual(new Map([['page', 'one']]));
  });

  test('that was deleted comes back with its data, and goes for good in time when nobody wants it', async () => {
    const { one, files } = await withVolume();
    await one.must('delete-volume', { name: 'data', keepForMs: 600_000 });
    await one.clock.run(540_000);
    await one.must('recover-volume', { name: 'data-deleted' });
    await ready(one, 'data');
    expect(files('data')).toEqual(new Map([['page', 'one']]));
    await one.must('delete-volume', { name: 'data', keepForMs: 60_000 });
    await one.until('it is gone', () => stateOf(one, 'data-deleted') === undefined);
    expect(one.world.machines[0]?.volumes.contents()).toEqual([]);
  });

  test('keeps its data under another name, also for its app', async () => {
    const { one, files } = await withVolume();
    await one.must('rename-volume', { name: 'data', to: 'pages' });
    await one.restart();
    await one.must('change-volume', { name: 'pages', mode: 0o750, owner: { uid: 33, gid: 33 } });
    await ready(one, 'pages');
    expect(files('pages')).toEqual(new Map([['page', 'one']]));
  });
});
