/** What has ended may begin again under the same id: a machine that was removed and comes back. */
import { describe, expect, test } from 'vitest';
import type { RunningLab } from '#io/lab/running.ts';
import { facts, Laboratory } from './laboratory.ts';

const laboratory = new Laboratory();
const join = (lab: RunningLab) =>
  laboratory.must(lab, 'join-node', { node: 'node:a', name: 'atlas', addresses: [], facts }, 'node:a');
const leave = async (lab: RunningLab) => {
  await laboratory.must(lab, 'report-node-down', { node: 'node:a', lastSeenAt: 1 }, 'policy:liveness');
  await laboratory.must(lab, 'remove-node', { name: 'atlas' });
};
const versionOf = (lab: RunningLab) => lab.view.get('node:a')?.version;

describe('A node that was removed', () => {
  test('joins again while the daemon runs, and after every kind of start', async () => {
    for (const restart of ['none', 'state', 'refold'] as const) {
      let open = await laboratory.open();
      await join(open.lab);
      await leave(open.lab);
      if (restart !== 'none') {
        await open.close();
        if (restart === 'refold') laboratory.loseState();
        open = await laboratory.open();
      }
      await join(open.lab);
      expect(versionOf(open.lab)).toBe(1);
      await laboratory.must(open.lab, 'cordon-node', { name: 'atlas' });
      expect(versionOf(open.lab)).toBe(2);
      await leave(open.lab);
      await open.close();
    }
  });

  test('and is back keeps its versions when its first life is folded again', async () => {
    let open = await laboratory.open();
    await join(open.lab);
    await leave(open.lab);
    await join(open.lab);
    await laboratory.must(open.lab, 'cordon-node', { name: 'atlas' });
    await laboratory.must(open.lab, 'uncordon-node', { name: 'atlas' });
    expect(versionOf(open.lab)).toBe(3);
    await open.close();
    // The first life ended at version 3 too.
    laboratory.loseState();
    open = await laboratory.open();
    await laboratory.must(open.lab, 'cordon-node', { name: 'atlas' });
    expect(versionOf(open.lab)).toBe(4);
    await open.close();
  });
});
