/** Volumes that move to another node: each step, what is refused meanwhile, and every way back. */
import { describe, expect, test } from 'vitest';
import { handoverPolicy } from '#actors/policies/handover.ts';
import { replicationPolicy } from '#actors/policies/replication.ts';
import { settled, workOf } from '#actors/registry.ts';
import type { Principal } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const gib = 2 ** 30;
const nothing = { get: () => undefined };
const compose = `name: photos\nservices:\n  web: { image: nginx, volumes: ["data:/data"] }\nvolumes: { data: {} }\n`;
const name = 'photos-data';
const problem = { code: 'FAILED', message: 'It did not work.' };

function withApp(): TestLab {
  const lab = TestLab.ready();
  lab.join('vega');
  lab.running(compose);
  return lab;
}

const volume = (lab: TestLab) => {
  const found = lab.lab.byName('volume', 'default', name);
  if (!found) throw new Error('there is no volume');
  return found;
};
const replica = (lab: TestLab) => lab.lab.list('replica')[0];
const order = (lab: TestLab) => workOf(volume(lab), lab.lab);
const app = (lab: TestLab) => lab.lab.get(lab.app('photos'))?.state;
const visit = (lab: TestLab) => ({ volume: volume(lab).stream, visit: volume(lab).visit });

/** What the policy asks for, and the nodes do, until nothing follows by itself. @returns names of what was proposed */
function push(lab: TestLab, tookMs = 1000): readonly string[] {
  const names: string[] = [];
  for (let n = 0; n < 60; n++) {
    const taking = lab.lab.list('snapshot').find(({ state }) => state === 'taking');
    const syncing = lab.lab.list('replica').find(({ state }) => state === 'syncing');
    if (taking) {
      lab.now += 1000;
      const fact = { guid: `guid-${taking.context.metadata.name}`, takenAt: lab.now };
      lab.must('report-snapshot-taken', { snapshot: taking.stream, visit: taking.visit, ...fact }, 'node:atlas');
    } else if (syncing) {
      lab.now += tookMs;
      const report = { replica: syncing.stream, visit: syncing.visit, bytes: 10 };
      lab.must('report-replica-synced', report, syncing.context.node as Principal);
    } else {
      const [proposal] = handoverPolicy.propose(volume(lab).stream, lab.lab, nothing, lab.now);
      if (!proposal) return names;
      names.push(proposal.name);
      lab.must(proposal.name, proposal.input as never, 'policy:handover');
    }
  }
  throw new Error(`it goes on for ever: ${names.join()}`);
}

function stopped(lab: TestLab): void {
  const instance = lab.instance('photos');
  lab.must('stop-instance', { instance, because: 'a volume moves' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
  lab.must('drain-volume', { volume: volume(lab).stream }, 'policy:rollout');
}

const final = (lab: TestLab) => {
  const wanted = order(lab);
  if (wanted?.work !== 'demote-dataset') throw new Error(`it is ${volume(lab).state}`);
  return { name: wanted.input.final, guid: 'guid-final', takenAt: lab.now };
};
const steps = {
  draining: (lab: TestLab) => push(lab),
  demoting: (lab: TestLab) => stopped(lab),
  sending: (lab: TestLab) => lab.must('report-volume-demoted', { ...visit(lab), final: final(lab) }, 'node:atlas'),
  sealing: (lab: TestLab) => push(lab),
  promoting: (lab: TestLab) => lab.must('report-volume-sealed', { ...visit(lab), newest: 'guid-final' }, 'node:vega'),
} as const;
type State = keyof typeof steps;
const states = Object.keys(steps) as readonly State[];

function until(lab: TestLab, state: State): void {
  for (const step of states.slice(0, states.indexOf(state) + 1)) steps[step](lab);
  expect(volume(lab).state).toBe(state);
}
const arrived = (lab: TestLab, lacks: string[] = []) =>
  lab.types('report-volume-handed-over', { ...visit(lab), path: '/vega/data', lacks }, 'node:vega');

describe('a volume that moves to another node', () => {
  test('gets a replica there, step by step, and is that replica in the end', () => {
    const lab = withApp();
    const before = volume(lab).context;
    expect(lab.types('move-volume', { name, node: 'vega' })).toEqual([
      'operation.started',
      'replica.requested',
      'volume.handover-requested',
    ]);
    expect(lab.changes.join(' ')).toContain('becomes the replica');
    expect(push(lab)).toEqual(['snapshot-for-replicas', 'begin-sync', 'begin-handover']);
    expect([app(lab), volume(lab).state, settled(volume(lab))]).toEqual(['paused', 'draining', undefined]);
    stopped(lab);
    expect(order(lab)).toMatchObject({ work: 'demote-dataset', node: 'node:atlas', input: { lineage: 'line-1' } });
    steps.sending(lab);
    expect(order(lab)).toBeUndefined();
    expect(push(lab)).toEqual(['begin-sync', 'seal-handover']);
    expect(order(lab)).toMatchObject({ work: 'seal-replica', node: 'node:vega' });
    steps.promoting(lab);
    const { dataset } = replica(lab)?.context ?? {};
    expect(order(lab)).toMatchObject({ work: 'promote-replica', node: 'node:vega', input: { dataset } });
    expect(arrived(lab)).toEqual(['volume.handed-over', 'replica.promoted', 'replica.requested', 'app.resumed']);
    expect(volume(lab)).toMatchObject({
      state: 'ready',
      context: { node: 'node:vega', pool: 'main', dataset, path: '/vega/data', handover: null },
    });
    expect(lab.lab.list('replica')).toMatchObject([
      {
        state: 'idle',
        context: { node: 'node:atlas', dataset: before.dataset, cursor: { guid: 'guid-final' }, manual: true },
      },
    ]);
    expect(settled(volume(lab))).toEqual({ done: true });
    lab.must('assign-instance', { app: lab.app('photos'), node: 'node:vega' }, 'policy:placement');
    expect(lab.lab.get(lab.instance('photos'))?.context.node).toBe('node:vega');
  });

  test('has an epoch of its own at each step, the next one higher than the one before', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    const epochs = [volume(lab).context.epoch ?? 0];
    for (const state of states) {
      steps[state](lab);
      const wanted = order(lab);
      if (wanted && 'epoch' in wanted.input) epochs.push((wanted.input.epoch as { index: number }).index);
    }
    arrived(lab);
    expect(epochs).toHaveLength(4);
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    expect(new Set(epochs).size).toBe(4);
    expect(volume(lab).context.epoch).toBe(epochs.at(-1));
  });

  test('takes all snapshots along to a new replica, one after the other; one that has its own lacks what it skipped', () => {
    const lab = withApp();
    for (const one of ['monday', 'tuesday']) {
      lab.now += 60_000;
      lab.snapshotTaken(name, one);
    }
    lab.now += 60_000;
    lab.must('move-volume', { name, node: 'vega' });
    expect(push(lab).filter((one) => one === 'begin-sync')).toHaveLength(3);
    for (const step of states.slice(1)) steps[step](lab);
    arrived(lab, ['guid-monday']);
    const names = lab.lab.referrers(volume(lab).stream, 'snapshot').map(({ context }) => context.metadata.name);
    expect(names).toContain('tuesday');
    expect(names).not.toContain('monday');
  });

  test('is pushed again while much is left, and not for ever', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    expect(push(lab, 60_000).filter((one) => one === 'begin-sync')).toHaveLength(4);
    expect(volume(lab).state).toBe('draining');
  });

  test('leaves no replica where none is wanted', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega', replica: false });
    until(lab, 'promoting');
    expect(arrived(lab)).toContain('replica.removal-requested');
    expect(lab.lab.list('replica')).toMatchObject([{ state: 'removing', context: { node: 'node:atlas' } }]);
  });

  test('goes to the replica that is there, which stays one that the lab keeps by itself', () => {
    const lab = withApp();
    lab.must('change-volume', { name, replicas: { count: 1 } });
    lab.must('place-replica', { volume: volume(lab).stream, node: 'node:vega', pool: 'main' }, 'policy:replication');
    const { stream } = replica(lab) ?? {};
    expect(lab.types('move-volume', { name, node: 'vega' })).not.toContain('replica.requested');
    expect(volume(lab).context.handover?.replica).toBe(stream);
    // The policy of replication leaves it alone meanwhile.
    const of = [volume(lab).stream, stream ?? 'replica:'] as const;
    expect(of.flatMap((one) => replicationPolicy.propose(one, lab.lab, nothing, lab.now))).toEqual([]);
    until(lab, 'promoting');
    arrived(lab);
    expect(replica(lab)?.context).toMatchObject({ manual: false, node: 'node:atlas' });
    expect(replicationPolicy.propose(volume(lab).stream, lab.lab, nothing, lab.now)).toEqual([]);
  });

  test.each([
    [{ node: 'none' }, 'NOT_FOUND', 'no node none'],
    [{ node: 'vega', pool: 'none' }, 'NO_NODE_FITS', 'has no pool none'],
    [{ node: 'vega', recordSizeBytes: 4096 }, 'INVALID', 'cannot be made otherwise'],
  ])('is refused with %j: %s', (input, code, words) => {
    const { rejected } = withApp().run('move-volume', { name, ...input });
    expect(rejected?.code).toBe(code);
    expect(rejected?.explain).toContain(words);
  });

  test('is refused where its app could not run, or has another volume', () => {
    const lab = withApp();
    lab.must('label-node', { name: 'atlas', labels: { disks: 'large' } });
    const constrained = { sizeBytes: gib, constraints: { labels: { disks: 'large' } } };
    lab.must('create-volume', { name: 'bound', spec: constrained });
    lab.must('place-volume', { volume: lab.volume('bound'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
    lab.provision();
    expect(lab.run('move-volume', { name: 'bound', node: 'vega' }).rejected?.explain).toContain('lacks the label');
    lab.running(
      `name: two\nservices:\n  web: { image: nginx, volumes: ["a:/a", "b:/b"] }\nvolumes: { a: {}, b: {} }\n`,
    );
    expect(lab.run('move-volume', { name: 'two-a', node: 'vega' }).rejected?.explain).toContain('two-b');
    lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
    expect(lab.run('move-volume', { name, node: 'vega' }).rejected?.explain).toContain('does not answer');
  });

  test('within its own node is the move that it was', () => {
    const lab = withApp();
    expect(lab.run('move-volume', { name, node: 'atlas' }).events).toEqual([]);
    expect(lab.types('move-volume', { name, node: 'atlas', compression: 'zstd' })).toContain('volume.move-requested');
  });
});

describe('while it is on its way', () => {
  test.each(['ready', 'draining', 'sending', 'promoting'] as const)(
    'nothing else is done to it when it is %s',
    (state) => {
      const lab = withApp();
      lab.now += 60_000;
      lab.snapshotTaken(name, 'monday');
      lab.must('move-volume', { name, node: 'vega' });
      if (state !== 'ready') until(lab, state);
      const held = replica(lab)?.context.metadata.name ?? '';
      for (const [command, input] of [
        ['change-volume', { name, sizeBytes: 2 * gib }],
        ['rollback-volume', { name, snapshot: 'monday' }],
        ['move-volume', { name, pool: 'other' }],
        ['remove-replica', { name: held }],
        ['pause-replica', { name: held }],
        ['resync-replica', { name: held, keep: true }],
      ] as const)
        expect([command, lab.run(command, input as never).rejected?.code]).toEqual([command, 'NOT_NOW']);
      expect(lab.run('move-volume', { name, node: 'vega' }).events).toEqual([]);
    },
  );

  test('a report of the other node, or of another step, counts for nothing', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    until(lab, 'demoting');
    const old = { ...visit(lab), final: final(lab) };
    expect(lab.run('report-volume-demoted', old, 'node:vega').rejected?.code).toBe('FORBIDDEN');
    lab.must('report-volume-demoted', old, 'node:atlas');
    expect(lab.run('report-volume-demoted', old, 'node:atlas').rejected?.code).toBe('STALE');
  });

  test('a replica that turns out not to have the last snapshot never takes its place', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    until(lab, 'sealing');
    lab.must('report-volume-sealed', { ...visit(lab), newest: 'guid-other' }, 'node:vega');
    expect(volume(lab).state).toBe('taking-back');
  });
});

describe('a move that is given up', () => {
  test.each(states.filter((state) => state !== 'promoting'))(
    'when it is %s leaves the volume where it was, and its app goes on',
    (state) => {
      const lab = withApp();
      const { epoch, dataset } = volume(lab).context;
      lab.must('move-volume', { name, node: 'vega' });
      until(lab, state);
      const types = lab.types('cancel-move', { name });
      expect(types.slice(0, 1)).toEqual(['volume.handover-abandoned']);
      expect(types).toContain('operation.failed');
      if (state !== 'draining') {
        expect(order(lab)).toMatchObject({ work: 'take-back-dataset', node: 'node:atlas', input: { dataset } });
        expect(app(lab)).toBe('paused');
        lab.must('report-volume-taken-back', { ...visit(lab), path: '/atlas/data' }, 'node:atlas');
        expect(volume(lab).context.epoch).toBeGreaterThan(epoch ?? 0);
      }
      expect(volume(lab)).toMatchObject({ state: 'ready', context: { node: 'node:atlas', handover: null } });
      expect(app(lab)).toBe('starting');
      expect(replica(lab)?.state).toBe('idle');
      expect(lab.run('cancel-move', { name }).events).toEqual([]);
    },
  );

  test('is too late once it is decided', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    until(lab, 'promoting');
    expect(lab.run('cancel-move', { name }).rejected?.explain).toContain('no way back');
  });

  test('happens by itself when the new node stays away while the app stands still', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    until(lab, 'sending');
    lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
    expect(push(lab)).toEqual([]);
    lab.now = handoverPolicy.dueAt?.(volume(lab).stream, lab.lab, nothing) ?? 0;
    expect(push(lab)).toEqual(['abandon-handover']);
    expect(volume(lab).state).toBe('taking-back');
  });

  test('while the app still runs waits for the node to come back', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
    lab.now += 10 * 3_600_000;
    expect(push(lab)).toEqual([]);
    expect(volume(lab).state).toBe('ready');
  });

  test('when the node that it goes to is lost for ever, even after the decision', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    until(lab, 'promoting');
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    expect(lab.run('remove-node', { name: 'atlas', force: true }).rejected?.explain).toContain(
      'made the volume on vega',
    );
    lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name: 'vega', force: true });
    lab.run('finish-departure', { node: 'node:vega' }, 'policy:group');
    expect(push(lab)).toEqual(['abandon-handover']);
    expect(order(lab)).toMatchObject({ work: 'take-back-dataset', node: 'node:atlas' });
  });

  test.each(states.filter((state) => state !== 'promoting'))(
    'with its own node, when that is lost while it is %s',
    (state) => {
      const lab = withApp();
      lab.must('move-volume', { name, node: 'vega' });
      until(lab, state);
      lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
      lab.must('remove-node', { name: 'atlas', force: true });
      expect(lab.lab.byName('volume', 'default', name)).toBeUndefined();
      expect(replica(lab)?.state).toBe('orphaned');
      expect(app(lab)).toBe('failed');
    },
  );

  test('because the replica cannot go on says why', () => {
    const lab = withApp();
    lab.must('move-volume', { name, node: 'vega' });
    until(lab, 'sending');
    const [proposal] = handoverPolicy.propose(volume(lab).stream, lab.lab, nothing, lab.now);
    lab.must('begin-sync', proposal?.input as never, 'policy:handover');
    const report = { replica: replica(lab)?.stream ?? 'replica:', visit: replica(lab)?.visit ?? 0 };
    lab.must('report-replica-sync-failed', { ...report, problem: { ...problem, code: 'DIVERGED' } }, 'node:vega');
    expect(push(lab)).toEqual(['abandon-handover']);
  });
});
