import { describe, expect, test } from 'vitest';
import { idOf } from '#events/envelope.ts';
import { Folded } from '#io/lab/folded.ts';
import { Observed } from '#io/lab/observed.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { facts, Laboratory } from './laboratory.ts';

const join = { node: 'node:a', name: 'atlas', addresses: [], facts };
const figures = { at: 1, usedBytes: 17 };

async function labWithVolume() {
  const laboratory = new Laboratory();
  const { lab, close } = await laboratory.open();
  await laboratory.must(lab, 'join-node', join, 'node:a');
  const created = await laboratory.must(lab, 'create-volume', { name: 'photos', spec: { sizeBytes: 2 ** 26 } });
  const volume = created.events.find(({ type }) => type === 'volume.created')?.stream ?? 'volume:none';
  return { laboratory, lab, close, volume };
}

describe('figures', () => {
  test('of a volume go with it, and whoever looks is told', async () => {
    const { laboratory, lab, close, volume } = await labWithVolume();
    lab.observedRows.put('usage', volume, figures);
    lab.observedRows.put('usage', 'node:a', figures);
    const gone: string[] = [];
    lab.watchObserved('usage', ({ del }) => gone.push(...del));
    await laboratory.must(lab, 'delete-volume', { name: 'photos' });
    expect(lab.view.get(volume)).toBeUndefined();
    expect(lab.observed('usage').map(([key]) => key)).toEqual(['node:a']);
    expect(gone).toEqual([volume]);
    await close();
  });

  test('that arrive when their volume is gone are not taken', async () => {
    const { laboratory, lab, close, volume } = await labWithVolume();
    await laboratory.must(lab, 'delete-volume', { name: 'photos' });
    lab.observedRows.put('usage', volume, figures);
    expect(lab.observed('usage')).toEqual([]);
    await close();
  });

  test('of a node and its pools go with the node', async () => {
    const { laboratory, lab, close, volume } = await labWithVolume();
    for (const key of ['node:a', 'pool:a/main', volume]) lab.observedRows.put('usage', key, figures);
    await laboratory.must(lab, 'report-node-down', { node: 'node:a', lastSeenAt: 1 }, 'policy:liveness');
    await laboratory.must(lab, 'remove-node', { name: 'atlas' });
    expect(lab.observed('usage').map(([key]) => key)).toEqual([volume]);
    await close();
  });

  test('of a service go with the instance that ran it', () => {
    const lab = TestLab.ready();
    lab.running('name: wiki\nservices: { web: { image: wiki } }\n');
    const instance = lab.instance('wiki');
    const key = `service:${idOf(lab.app('wiki'))}/web`;
    const observed = new Observed(lab.lab);
    observed.put('usage', key, figures);
    expect(observed.rows('usage')).toEqual([[key, figures]]);
    lab.must('stop-app', { name: 'wiki' });
    lab.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    const folded = new Folded();
    observed.settle(lab.events.map((event) => folded.fold(event)));
    expect(observed.rows('usage')).toEqual([]);
    observed.put('usage', key, figures);
    expect(observed.rows('usage')).toEqual([]);
  });
});
