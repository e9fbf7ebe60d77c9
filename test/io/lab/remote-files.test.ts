/** Files of a volume on another node, asked for here: any node answers for any node. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { streamOf } from '#events/envelope.ts';
import { IoError } from '#io/devices/error.ts';
import { simTree } from '#io/devices/tree/sim.ts';
import type { VolumeFiles } from '#io/lab/port.ts';
import { remoteFiles } from '#io/lab/remote-files.ts';
import { call, never, textOf } from '#test/contracts/tree.ts';
import { MemoryOthers } from './memory-others.ts';

const volume = streamOf('volume', 'v1');
let vegaIs = 'up';
/** The volume is on vega, everywhere the same. */
const lab = {
  get: (stream: string) =>
    stream.startsWith('node:')
      ? { state: vegaIs, context: { metadata: { name: 'vega' } } }
      : { context: { node: 'node:vega', volume } },
} as unknown as LabView;

const now = new Map([
  ['a/b.txt', 'bee'],
  ['big', 'x'.repeat(300_000)],
]);
const monday = new Map([['a/b.txt', 'was']]);
const tree = simTree({
  filesAt: (root) => (root === 'now' ? now : undefined),
  snapshotFilesAt: (root) => (root === 'monday' ? monday : undefined),
  writeAt: () => {},
});
let came = '';
const onVega: VolumeFiles = {
  list: ({ snapshot, path }, range) => tree.list(snapshot ?? 'now', path, range, call()),
  read: ({ snapshot, path }, range, signal) => tree.read(snapshot ?? 'now', path, range, signal),
  pack: ({ snapshot, path }, signal) => tree.pack(snapshot ?? 'now', path, signal),
  diff: (_, { from, to }, options) => tree.diff(from ?? 'now', to ?? 'now', options, call()),
  written: async (_, snapshot) => (snapshot === 'monday' ? 300_003 : undefined),
  foreignSnapshots: async () => ({
    items: [{ name: 'autosnap_1', takenAt: 5, exclusiveBytes: null }],
    truncated: true,
  }),
  fetch: () => tree.pack('now', '', never),
  bring: async (_, bytes) => {
    came = await textOf(bytes);
    if (came.startsWith('bad'))
      throw new IoError('INVALID', { op: 'import', target: 'v1', message: 'no tar', hint: 'Send one.' });
  },
};
const nothing = new Proxy({}, { get: () => () => Promise.reject(new Error('not here')) }) as VolumeFiles;

let here: VolumeFiles;
let cuts: Set<string>;
beforeEach(() => {
  const network = new Map<string, MemoryOthers>();
  cuts = new Set();
  vegaIs = 'up';
  const others = (node: string) => new MemoryOthers(node, network, (from, to) => cuts.has(`${from}>${to}`));
  const [atlas, vega] = [others('atlas'), others('vega')];
  here = remoteFiles({ local: nothing, lab, others: atlas });
  remoteFiles({ local: onVega, lab, others: vega });
});
const at = (path: string, snapshot: string | null = null) => ({ volume, snapshot, path });
async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe('files on another node', () => {
  test('are listed, read and compared as if they were here', async () => {
    const { entries, more } = await here.list(at(''), { limit: 1 }, never);
    expect([entries.map(({ name }) => name), more]).toEqual([['a'], true]);
    expect(await textOf(here.read(at('a/b.txt', 'monday'), { from: 0, to: 3 }, never))).toBe('was');
    expect((await textOf(here.read(at('big'), { from: 0, to: 300_000 }, never))).length).toBe(300_000);
    const options = { path: '', limit: 10, content: true };
    const { items } = await here.diff(volume, { from: 'monday', to: null }, options, never);
    expect(items.map(({ change, path }) => `${change} ${path}`)).toEqual(['changed a/b.txt', 'added big']);
    expect(await textOf(here.pack(at('a'), never))).toContain('b.txt');
    expect(await textOf(here.fetch('t1', never))).toContain('./a/b.txt');
  });

  test('tell what was written since a snapshot, and unknown stays unknown', async () => {
    expect(await here.written(volume, 'monday', never)).toBe(300_003);
    expect(await here.written(volume, 'tuesday', never)).toBeUndefined();
  });

  test('say which snapshots of theirs other tools took', async () => {
    expect(await here.foreignSnapshots(volume, never)).toEqual({
      items: [{ name: 'autosnap_1', takenAt: 5, exclusiveBytes: null }],
      truncated: true,
    });
    cuts.add('atlas>vega');
    await expect(here.foreignSnapshots(volume, never)).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });

  test('are imported through this one, and a refusal comes back with its reason', async () => {
    await here.bring('t1', pieces('one', 'two'), never);
    expect(came).toBe('onetwo');
    await expect(here.bring('t1', pieces('bad'), never)).rejects.toMatchObject({ code: 'INVALID', hint: 'Send one.' });
  });

  test('that are missing there are missing here; a path that leads out never gets there', async () => {
    await expect(here.list(at('none'), { limit: 1 }, never)).rejects.toMatchObject({ code: 'MISSING' });
    await expect(here.list(at('../x'), { limit: 1 }, never)).rejects.toBeInstanceOf(IoError);
  });

  test('are out of reach while that is away, and the error says which one and what to do', async () => {
    cuts.add('atlas>vega');
    vegaIs = 'down';
    const away = { code: 'ENGINE_UNREACHABLE', message: 'Node vega is down: what is there is out of reach.' };
    await expect(here.list(at(''), { limit: 1 }, never)).rejects.toMatchObject(away);
    await expect(textOf(here.read(at('big'), { from: 0, to: 1 }, never))).rejects.toMatchObject(away);
    await expect(here.bring('t1', pieces('x'), never)).rejects.toMatchObject({ hint: /Bring vega back/ });
  });
});
