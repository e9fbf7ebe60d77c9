/** Volumes of one app that go to another node: all of them, or none. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { handoverPolicy } from '#actors/policies/handover.ts';
import { operationsPolicy } from '#actors/policies/operations.ts';
import { workOf } from '#actors/registry.ts';
import type { Principal, StreamId } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const gib = 2 ** 30;
const nothing = { get: () => undefined };
const compose = `name: two\nservices:\n  web: { image: nginx, volumes: ["a:/a", "b:/b"] }\nvolumes: { a: {}, b: {} }\n`;
const names = ['two-a', 'two-b'] as const;
const problem = { code: 'FAILED', message: 'It did not work.' };

function withApp(text = compose): TestLab {
  const lab = TestLab.ready();
  lab.join('vega');
  lab.running(text);
  return lab;
}

const find = (lab: TestLab, name: string) => {
  const found = lab.lab.byName('volume', 'default', name);
  if (!found) throw new Error(`there is no volume ${name}`);
  return found;
};
const volumes = (lab: TestLab) => names.map((name) => find(lab, name));
const states = (lab: TestLab) => volumes(lab).map(({ state }) => state);
const nodes = (lab: TestLab) => volumes(lab).map(({ context }) => context.node);
const app = (lab: TestLab) => lab.lab.get(lab.app('two'))?.state;
const operation = (lab: TestLab) => lab.lab.list('operation').find(({ context }) => context.command === 'move-app');

/** The next thing that somebody would do by himself. @returns its name; undefined: nothing is to be done */
function step(lab: TestLab, choose: (count: number) => number, tookMs = 1000): string | undefined {
  const doings: (readonly [name: string, act: () => void])[] = [];
  for (const taking of lab.lab.list('snapshot').filter(({ state }) => state === 'taking')) {
    const guid = `guid-${taking.context.metadata.name}-${taking.stream}`;
    doings.push([
      'snapshot taken',
      () => {
        lab.now += 1000;
        const fact = { snapshot: taking.stream, visit: taking.visit, guid, takenAt: lab.now };
        lab.must('report-snapshot-taken', fact, 'node:atlas');
      },
    ]);
  }
  for (const syncing of lab.lab.list('replica').filter(({ state }) => state === 'syncing'))
    doings.push([
      'synced',
      () => {
        lab.now += tookMs;
        const report = { replica: syncing.stream, visit: syncing.visit, bytes: 10 };
        lab.must('report-replica-synced', report, syncing.context.node as Principal);
      },
    ]);
  const [instance] = lab.lab.referrers(lab.app('two'), 'instance');
  if (instance && app(lab) === 'paused')
    doings.push([
      'stopped',
      () => {
        if (instance.state !== 'stopping')
          lab.must('stop-instance', { instance: instance.stream, because: 'volumes move' }, 'policy:rollout');
        const visit = lab.visit(instance.stream);
        lab.must('report-instance-stopped', { instance: instance.stream, visit }, 'node:atlas');
        for (const { stream } of volumes(lab).filter(({ state }) => state === 'draining'))
          lab.must('drain-volume', { volume: stream }, 'policy:rollout');
      },
    ]);
  for (const volume of volumes(lab)) {
    const report = { volume: volume.stream, visit: volume.visit };
    const order = workOf(volume, lab.lab);
    const by = order?.node as Principal;
    if (order?.work === 'demote-dataset')
      doings.push([
        'demoted',
        () => {
          lab.now += 1000;
          const name = order.input.final;
          const fact = { name, guid: `guid-${volume.stream}-${name}`, takenAt: lab.now };
          lab.must('report-volume-demoted', { ...report, final: fact }, by);
        },
      ]);
    if (order?.work === 'seal-replica')
      doings.push([
        'sealed',
        () => {
          const replica = lab.lab.get(volume.context.handover?.replica ?? 'replica:');
          lab.must('report-volume-sealed', { ...report, newest: replica?.context.cursor?.guid ?? null }, by);
        },
      ]);
    if (order?.work === 'promote-replica')
      doings.push([
        'promoted',
        () => lab.must('report-volume-handed-over', { ...report, path: '/vega', lacks: [] }, by),
      ]);
    if (order?.work === 'take-back-dataset')
      doings.push(['taken back', () => lab.must('report-volume-taken-back', { ...report, path: '/atlas' }, by)]);
    const isTaking = lab.lab.referrers(volume.stream, 'snapshot').some(({ state }) => state === 'taking');
    for (const proposal of handoverPolicy.propose(volume.stream, lab.lab, nothing, lab.now))
      // Asked for already.
      if (proposal.name !== 'snapshot-for-replicas' || !isTaking)
        doings.push([proposal.name, () => lab.must(proposal.name, proposal.input as never, 'policy:handover')]);
  }
  const one = doings[choose(doings.length)];
  one?.[1]();
  return one?.[0];
}

function run(lab: TestLab, until: () => boolean, choose: (count: number) => number = () => 0): readonly string[] {
  const done: string[] = [];
  for (let n = 0; n < 200; n++) {
    // An app without both of its volumes in one place never starts.
    if (app(lab) === 'starting') expect(new Set(nodes(lab)).size).toBe(1);
    if (until()) return done;
    const name = step(lab, choose);
    if (name === undefined) return done;
    done.push(name);
  }
  throw new Error(`it goes on for ever: ${done.join()}`);
}

const move = { name: 'two', node: 'vega' };

describe('an app that moves to another node', () => {
  test('takes all of its volumes along, stops once, and starts when the last one is there', () => {
    const lab = withApp();
    expect(lab.types('move-app', move)).toEqual([
      'operation.started',
      'replica.requested',
      'volume.handover-requested',
      'replica.requested',
      'volume.handover-requested',
    ]);
    expect(lab.changes.join(' ')).toContain('Volumes two-a, two-b go to vega');
    const done = run(lab, () => app(lab) === 'starting');
    expect(done.filter((one) => one === 'begin-handover')).toHaveLength(1);
    expect(done.filter((one) => one === 'decide-handover')).toHaveLength(1);
    expect(done.filter((one) => one === 'stopped')).toHaveLength(1);
    expect([states(lab), nodes(lab)]).toEqual([
      ['ready', 'ready'],
      ['node:vega', 'node:vega'],
    ]);
    expect(lab.lab.list('replica').map(({ context }) => context.node)).toEqual(['node:atlas', 'node:atlas']);
    lab.must('assign-instance', { app: lab.app('two'), node: 'node:vega' }, 'policy:placement');
  });

  test('is told as one operation, which ends when the app runs there', () => {
    const lab = withApp();
    lab.must('move-app', move);
    const verdict = () => operationsPolicy.propose(operation(lab)?.stream ?? 'operation:', lab.lab, nothing, lab.now);
    run(lab, () => {
      expect(verdict()).toEqual([]);
      return app(lab) === 'starting';
    });
    lab.must('assign-instance', { app: lab.app('two'), node: 'node:vega' }, 'policy:placement');
    lab.started('two');
    expect(verdict()).toMatchObject([{ name: 'finish-operation' }]);
  });

  test('begins when all have nearly everything, and one that waited for long sends what came since', () => {
    const lab = withApp();
    lab.must('move-app', move);
    const [first, second] = lab.lab.list('replica');
    const slow = second?.stream;
    // All but the second replica is done by itself.
    run(
      lab,
      () =>
        lab.lab.list('replica').every(({ state, stream }) => state === (stream === slow ? 'syncing' : 'idle')) &&
        (lab.lab.get(first?.stream ?? 'replica:')?.context.syncs.length ?? 0) > 0,
      (count) => count - 1,
    );
    expect(states(lab)).toEqual(['ready', 'ready']);
    lab.now += 3_600_000;
    const again = run(
      lab,
      () => states(lab).every((state) => state === 'draining'),
      (count) => count - 1,
    );
    expect(again.filter((one) => one === 'snapshot-for-replicas')).not.toHaveLength(0);
    expect(again.at(-1)).toBe('begin-handover');
  });

  test('has the room of all volumes on the other node, or does not begin', () => {
    const lab = withApp(
      compose.replace('a: {}, b: {}', 'a: SIZE, b: SIZE').replaceAll('SIZE', '{ x-floatlab: { size: 15GiB } }'),
    );
    lab.must('create-volume', { name: 'other', spec: { sizeBytes: 60 * gib } });
    lab.must('place-volume', { volume: lab.volume('other'), node: 'node:vega', pool: 'main' }, 'policy:placement');
    const refused = lab.run('move-app', move).rejected;
    expect([refused?.code, refused?.explain]).toEqual(['NO_NODE_FITS', expect.stringContaining('5 GiB left')]);
    expect(lab.lab.list('replica')).toEqual([]);
  });

  test.each([
    ['a node that is not there', { node: 'none' }, 'NOT_FOUND'],
    ['an app that is not there', { name: 'none' }, 'NOT_FOUND'],
  ])('is refused with %s', (_, input, code) => {
    expect(withApp().run('move-app', { ...move, ...input }).rejected?.code).toBe(code);
  });

  test('is refused without volumes, while one of them is busy, and where the app could not run', () => {
    const lab = withApp();
    lab.running('name: plain\nservices: { web: { image: nginx } }\n');
    expect(lab.run('move-app', { name: 'plain', node: 'vega' }).rejected?.hint).toContain('placement');
    expect(lab.run('move-volume', { name: 'two-a', node: 'vega' }).rejected?.hint).toContain(
      'floatlab app move two --node vega',
    );
    lab.must('move-volume', { name: 'two-b', compression: 'zstd' });
    expect(lab.run('move-app', move).rejected?.explain).toContain('two-b is copying');
    lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
    expect(lab.run('move-app', move).rejected?.code).toBe('NOT_NOW');
  });

  test('that is there already does not move, and a second request changes nothing', () => {
    const lab = withApp();
    expect(lab.run('move-app', { name: 'two', node: 'atlas' }).events).toEqual([]);
    lab.must('move-app', move);
    expect(lab.run('move-app', move).events).toEqual([]);
  });

  test('leaves nothing where no replicas are wanted', () => {
    const lab = withApp();
    lab.must('move-app', { ...move, replica: false });
    run(lab, () => app(lab) === 'starting');
    expect(lab.lab.list('replica').map(({ state }) => state)).toEqual(['removing', 'removing']);
  });
});

describe('all of them stay', () => {
  const decided = (lab: TestLab) => states(lab).includes('promoting') || nodes(lab).includes('node:vega');

  test('when the move is canceled at any moment before the decision, in any order of what happens', () => {
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.array(fc.nat(), { maxLength: 60 }),
        fc.constantFrom(...names, 'two'),
        (at, order, who) => {
          const lab = withApp();
          lab.must('move-app', move);
          let n = 0;
          const choose = (count: number) => (order[n++] ?? 0) % Math.max(1, count);
          run(lab, () => n >= at || decided(lab), choose);
          const wasDecided = decided(lab);
          const answer =
            who === 'two' ? lab.run('cancel-app-move', { name: 'two' }) : lab.run('cancel-move', { name: who });
          run(lab, () => false, choose);
          const [first, second] = nodes(lab);
          expect([states(lab), first === second]).toEqual([['ready', 'ready'], true]);
          expect(first).toBe(wasDecided || answer.rejected ? 'node:vega' : 'node:atlas');
          expect(app(lab)).toMatch(/^(starting|running)$/);
          expect(volumes(lab).map(({ context }) => context.handover)).toEqual([null, null]);
          if (first === 'node:atlas') expect(operation(lab)).toBeUndefined();
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each(['demoting', 'sealing'] as const)('when one of them cannot go on %s', (where) => {
    const lab = withApp();
    lab.must('move-app', move);
    run(lab, () => states(lab).includes(where));
    const failing = volumes(lab).find(({ state }) => state === where);
    const by = workOf(failing ?? find(lab, 'two-a'), lab.lab)?.node as Principal;
    const report = { volume: failing?.stream as StreamId<'volume'>, visit: failing?.visit ?? 0, problem };
    lab.must('report-volume-handover-failed', report, by);
    run(lab, () => false);
    expect([states(lab), nodes(lab), app(lab)]).toEqual([['ready', 'ready'], ['node:atlas', 'node:atlas'], 'starting']);
  });

  test('when the other node stays away while the app stands still', () => {
    const lab = withApp();
    lab.must('move-app', move);
    run(lab, () => states(lab).includes('sealed'));
    lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
    lab.now = Math.max(...volumes(lab).map(({ stream }) => handoverPolicy.dueAt?.(stream, lab.lab, nothing) ?? 0));
    const done = run(lab, () => states(lab).every((state) => state === 'taking-back'));
    expect(done.filter((one) => one === 'abandon-handover')).toHaveLength(1);
  });
});
