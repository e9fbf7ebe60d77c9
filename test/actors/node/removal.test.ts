import { describe, expect, test } from 'vitest';
import { operationsPolicy } from '#actors/policies/operations.ts';
import { rolloutPolicy } from '#actors/policies/rollout.ts';
import { placementPolicy } from '#actors/policies/placement.ts';
import { Door } from '../door.ts';
import { TestLab } from '../test-lab.ts';

const photos = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { snapshot: { schedule: "0 * * * *" } }
`;
const wiki = 'name: wiki\nservices: { web: { image: wiki } }\n';

describe('a node that leaves', () => {
  test('does so by its own word or a person’s, not by that of another node', () => {
    const door = new Door();
    door.member('vega', '2');
    door.member('lyra', '3');
    expect(door.lab.run('leave-node', { name: 'vega' }, 'node:lyra').rejected?.code).toBe('FORBIDDEN');
    expect(door.lab.types('leave-node', { name: 'vega' }, 'node:vega')).toEqual(['node.left']);
    door.down('lyra');
    expect(door.lab.types('leave-node', { name: 'lyra' })).toEqual(['node.left']);
    expect(door.node('vega')).toBeUndefined();
  });

  test('is told what it still holds', () => {
    const door = new Door();
    door.member('vega', '2');
    door.lab.running(photos);
    expect(door.lab.run('leave-node', { name: 'atlas' }).rejected).toMatchObject({
      code: 'NOT_EMPTY',
      explain: 'Node atlas still holds 1 volume and 1 instance, for example volume photos-data.',
    });
  });

  test('is not the last one', () => {
    const door = new Door();
    expect(door.lab.run('leave-node', { name: 'atlas' }).rejected?.explain).toBe('Node atlas is the whole lab.');
    const three = labOfThree();
    three.lab.must('leave-node', { name: 'vega' });
    three.lab.must('leave-node', { name: 'lyra' });
    expect(three.lab.run('leave-node', { name: 'atlas' }).rejected?.explain).toBe('Node atlas is the whole lab.');
  });
});

/** All of them vote. */
function labOfThree(): Door {
  const door = new Door(new TestLab());
  door.lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  for (const [n, name] of ['atlas', 'vega', 'lyra'].entries()) door.member(name, String(n + 1));
  door.votes('atlas', 'vega', 'lyra');
  return door;
}

describe('a member of the consensus group that goes', () => {
  const finish = (door: Door, name: string) =>
    door.lab.run('finish-departure', { node: `node:${name}` }, 'policy:group');
  const operation = (door: Door) => door.lab.lab.list('operation')[0];
  const finished = (door: Door) =>
    operationsPolicy.propose(operation(door)?.stream ?? 'operation:none', door.lab.lab, { get: () => undefined }, 0);

  test('is out of the lab only when it is out of the group, and a person can wait for that', () => {
    const door = labOfThree();
    expect(door.lab.types('leave-node', { name: 'vega' })).toEqual(['operation.started', 'node.departure-requested']);
    expect(door.node('vega')).toMatchObject({ state: 'up', context: { departing: 'left' } });
    expect(operation(door)?.context).toMatchObject({ command: 'leave-node', target: 'node:vega', targetName: 'vega' });
    expect(finished(door)).toEqual([]);
    expect(finish(door, 'vega').rejected?.explain).toBe('Node vega is still in the consensus group.');
    door.votes('atlas');
    expect(finish(door, 'vega').events.map(({ type }) => type)).toEqual(['node.left']);
    expect(door.node('vega')).toBeUndefined();
    expect(finished(door)).toMatchObject([{ name: 'finish-operation', because: { target: 'gone' } }]);
  });

  test('is not out of the group because its present disk is, when another one of it is there still', () => {
    const door = labOfThree();
    door.lab.must('leave-node', { name: 'vega' });
    const voters = ['atlas.atlas-disk-1', 'vega.vega-disk-0'];
    door.lab.must('record-members', { voters, learners: [], generation: 1 }, 'system:raft');
    expect(finish(door, 'vega').rejected?.code).toBe('NOT_NOW');
  });

  test('goes once: asked again, nothing more happens', () => {
    const door = labOfThree();
    door.lab.must('leave-node', { name: 'vega' });
    expect(door.lab.types('leave-node', { name: 'vega' })).toEqual([]);
    door.down('vega');
    expect(door.lab.types('remove-node', { name: 'vega' })).toEqual([]);
    expect(finish(door, 'lyra').events).toEqual([]);
  });

  test('gets nothing new meanwhile', () => {
    const door = new Door();
    door.member('vega', '2');
    door.votes('vega');
    door.lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    door.lab.must('leave-node', { name: 'atlas' });
    const place = { volume: door.lab.volume('loose'), node: 'node:atlas' as const, pool: 'main' };
    expect(door.lab.run('place-volume', place, 'policy:placement').rejected?.explain).toBe(
      'Node atlas leaves the lab.',
    );
    door.lab.must('deploy-app', { compose: wiki });
    const assign = { app: door.lab.app('wiki'), node: 'node:atlas' as const };
    expect(door.lab.run('assign-instance', assign, 'policy:placement').rejected?.explain).toContain('leaves the lab');
    const adopt = { name: 'old', node: 'atlas', pool: 'main', native: '/old', spec: { sizeBytes: 2 ** 26 } };
    expect(door.lab.run('adopt-volume', adopt).rejected?.explain).toContain('leaves the lab');
  });

  test('is removed in the same order, what it held at once, and also when it comes back meanwhile', () => {
    const door = labOfThree();
    door.down('lyra');
    const types = door.lab.types('remove-node', { name: 'lyra', force: true });
    expect(types).toEqual(['operation.started', 'node.departure-requested']);
    const { addresses, facts } = door.asks('lyra', '3');
    door.lab.must('report-node', { node: 'node:lyra', addresses, facts }, 'node:lyra');
    expect(door.node('lyra')?.state).toBe('up');
    door.votes('atlas');
    expect(finish(door, 'lyra').events.map(({ type }) => type)).toEqual(['node.removed']);
  });

  test('is not replaced on its way out', () => {
    const door = labOfThree();
    door.down('lyra');
    door.lab.must('remove-node', { name: 'lyra' });
    const token = door.token('back', { replaces: 'lyra' });
    const { node: _, token: __, ...said } = door.asks('lyra', '4', { incarnation: 'lyra-disk-2' });
    const { rejected } = door.lab.run('replace-incarnation', { ...said, token }, 'system:join');
    expect(rejected?.explain).toBe('Node lyra is on its way out of the lab: it cannot be replaced.');
  });
});

describe('a vote that is given away', () => {
  const leave = (door: Door, name: string) => door.lab.run('leave-node', { name }).rejected;

  test('is not, while those who would decide without it do not answer: it says who must come back', () => {
    const door = labOfThree();
    door.down('lyra');
    for (const refused of [
      leave(door, 'vega'),
      door.lab.run('change-node-role', { name: 'vega', role: 'learner' }).rejected,
    ]) {
      expect(refused).toEqual({
        code: 'NOT_NOW',
        explain:
          'Without the vote of node vega the lab could decide nothing: of the 2 nodes that would vote, lyra does not answer.',
        hint: 'Bring lyra back first. What will not come back is removed first: floatlab node rm lyra.',
      });
    }
    // Its own vote is not missed.
    expect(door.lab.types('remove-node', { name: 'lyra' })).toContain('node.departure-requested');
  });

  test('also by a node that is taken for dead and may still vote', () => {
    const door = labOfThree();
    door.down('lyra');
    door.down('vega');
    expect(door.lab.run('remove-node', { name: 'vega' }).rejected?.explain).toContain('lyra does not answer');
  });

  test('is taken by a node that answers', () => {
    const door = labOfThree();
    door.member('mira', '4');
    door.down('lyra');
    expect(leave(door, 'vega')).toBeUndefined();
  });

  test('of five, one away: the others are enough; two away: they are not', () => {
    const door = labOfThree();
    for (const [n, name] of ['mira', 'deneb'].entries()) door.member(name, String(n + 4));
    door.votes('atlas', 'vega', 'lyra', 'mira', 'deneb');
    door.down('deneb');
    expect(leave(door, 'vega')).toBeUndefined();
    door.down('mira');
    // Vega is on its way already: with lyra gone atlas would need both.
    expect(leave(door, 'lyra')?.explain).toContain('of the 3 nodes that would vote, deneb and mira do not answer');
  });

  test('is not the only one there can be', () => {
    const door = labOfThree();
    for (const name of ['vega', 'lyra']) door.lab.must('change-node-role', { name, role: 'learner' });
    door.votes('atlas');
    for (const refused of [
      leave(door, 'atlas'),
      (door.down('atlas'), door.lab.run('remove-node', { name: 'atlas' }).rejected),
    ])
      expect(refused).toMatchObject({ code: 'LAST_VOTER', hint: expect.stringContaining('floatlab node token') });
  });

  test('is taken over from the only voter, by one that answers', () => {
    const door = labOfThree();
    door.votes('atlas');
    for (const name of ['vega', 'lyra']) door.down(name);
    expect(leave(door, 'atlas')?.explain).toContain('of the 1 node that would vote, lyra and vega do not answer');
    const { addresses, facts } = door.asks('vega', '2');
    door.lab.must('report-node', { node: 'node:vega', addresses, facts }, 'node:vega');
    expect(leave(door, 'atlas')).toBeUndefined();
  });

  test('that a node does not have is none to lose', () => {
    const door = labOfThree();
    door.votes('atlas');
    door.down('lyra');
    expect(leave(door, 'vega')).toBeUndefined();
  });
});

describe('a node that is removed', () => {
  test('is down, and holds nothing unless it is forced', () => {
    const door = new Door();
    door.member('vega', '2');
    door.lab.running(photos);
    expect(door.lab.run('remove-node', { name: 'atlas', force: true }).rejected).toMatchObject({
      explain: 'Node atlas is up.',
      hint: expect.stringContaining('floatlab node leave atlas'),
    });
    door.down('atlas');
    expect(door.lab.run('remove-node', { name: 'atlas' }).rejected?.hint).toContain('floatlab node rm atlas --force');
    door.down('vega');
    expect(door.lab.types('remove-node', { name: 'vega' })).toEqual(['node.removed']);
  });
});

describe('a node that backups lie on', () => {
  const target = (store: { readonly kind: 'directory'; readonly path: string; readonly node?: string }) => {
    const door = new Door();
    door.member('vega', '2');
    door.lab.must('add-backup-target', { name: 'usb', store });
    return door;
  };
  const onVega = { kind: 'directory', path: '/mnt/usb', node: 'vega' } as const;

  test('neither leaves nor is removed before somebody has said what becomes of them', () => {
    const door = target(onVega);
    const refused = {
      code: 'NOT_EMPTY',
      explain: 'Node vega holds backup target usb.',
      hint: expect.stringContaining('floatlab backup target rm usb'),
    };
    expect(door.lab.run('leave-node', { name: 'vega' }).rejected).toMatchObject(refused);
    door.down('vega');
    const { rejected } = door.lab.run('remove-node', { name: 'vega' });
    expect(rejected).toMatchObject(refused);
    expect(rejected?.hint).toContain('floatlab node rm vega --force');
    door.lab.must('remove-backup-target', { name: 'usb' });
    expect(door.lab.types('remove-node', { name: 'vega' })).toEqual(['node.removed']);
  });

  test('is removed all the same when its machine is lost, and the plan says what nobody reaches then', () => {
    const door = target(onVega);
    door.down('vega');
    expect(door.lab.types('remove-node', { name: 'vega', force: true })).toContain('node.removed');
    expect(door.lab.changes.join(' ')).toContain('the backups in usb');
  });

  test('may go when others reach them, too', () => {
    const door = target({ kind: 'directory', path: '/mnt/share' });
    expect(door.lab.types('leave-node', { name: 'vega' })).toEqual(['node.left']);
  });
});

describe('a node that is removed with what it holds', () => {
  const lost = (prepare: (door: Door) => void = () => {}): Door => {
    const door = new Door();
    door.member('vega', '2');
    door.lab.running(photos);
    door.lab.snapshotTaken('photos-data', 'one');
    door.lab.running(wiki);
    prepare(door);
    door.down('atlas');
    return door;
  };

  test('takes volumes, snapshots, schedules and instances along, and says so before', () => {
    const door = lost();
    const types = door.lab.types('remove-node', { name: 'atlas', force: true });
    expect(door.lab.changes).toEqual([
      '1 volume would be lost, with all snapshots: photos-data.',
      'Without their volumes apps would fail: photos.',
      'Apps would start on other nodes: wiki.',
      'Switch the machine off first: FloatLab does not reach it, and what still runs there goes on.',
    ]);
    expect(types.at(-1)).toBe('node.removed');
    for (const kind of ['volume', 'snapshot', 'schedule', 'instance'] as const)
      expect(door.lab.lab.list(kind)).toEqual([]);
    expect(door.lab.lab.list('node').map(({ stream }) => stream)).toEqual(['node:vega']);
  });

  test('leaves no app that begins again with nothing: it fails, and a person begins anew', () => {
    const door = lost();
    door.lab.must('remove-node', { name: 'atlas', force: true });
    const app = () => door.lab.lab.get(door.lab.app('photos'));
    expect(app()).toMatchObject({
      state: 'failed',
      context: { problem: { code: 'VOLUME_LOST', message: 'Volume photos-data was lost with node atlas.' } },
    });
    // Started as it is, it waits and says why.
    door.lab.must('start-app', { name: 'photos' });
    const [proposal] = placementPolicy.propose(
      door.lab.app('photos'),
      door.lab.lab,
      { get: () => undefined },
      door.lab.now,
    );
    expect(proposal).toMatchObject({ name: 'delay-app', input: { problem: { code: 'VOLUME_LOST' } } });
    expect(door.lab.types('deploy-app', { compose: photos })).toContain('volume.created');
  });

  test('lets apps that lost nothing start elsewhere', () => {
    const door = lost();
    door.lab.must('remove-node', { name: 'atlas', force: true });
    const app = door.lab.app('wiki');
    expect(door.lab.lab.get(app)?.state).toBe('starting');
  });

  test.each([
    [
      'a volume that grows',
      (door: Door) => door.lab.must('change-volume', { name: 'photos-data', sizeBytes: 2 ** 31 }),
    ],
    [
      'a volume that waits to be rolled back',
      (door: Door) => door.lab.must('rollback-volume', { name: 'photos-data', snapshot: 'one' }),
    ],
    [
      'a volume that is being rolled back',
      (door: Door) => {
        door.lab.must('rollback-volume', { name: 'photos-data', snapshot: 'one' });
        const instance = door.lab.instance('photos');
        door.lab.must('stop-instance', { instance, because: 'rollback' }, 'policy:rollout');
        door.lab.must('report-instance-stopped', { instance, visit: door.lab.visit(instance) }, 'node:atlas');
        door.lab.must('drain-volume', { volume: door.lab.volume('photos-data') }, 'policy:rollout');
      },
    ],
    [
      'a volume that is imported into',
      (door: Door) => {
        door.lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
        const volume = door.lab.volume('loose');
        door.lab.must('place-volume', { volume, node: 'node:atlas', pool: 'main' }, 'policy:placement');
        door.lab.provision();
        door.lab.must('import-volume', { name: 'loose' });
      },
    ],
    [
      'a volume that is deleted',
      (door: Door) => {
        door.lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
        const volume = door.lab.volume('loose');
        door.lab.must('place-volume', { volume, node: 'node:atlas', pool: 'main' }, 'policy:placement');
        door.lab.must('delete-volume', { name: 'loose' });
      },
    ],
    ['an app that stops', (door: Door) => door.lab.must('stop-app', { name: 'photos' })],
    ['an app that restarts', (door: Door) => door.lab.must('restart-app', { name: 'photos' })],
    [
      'an app that goes with its volumes',
      (door: Door) => door.lab.must('remove-app', { name: 'photos', withVolumes: true }),
    ],
    [
      'an instance that failed',
      (door: Door) => {
        const instance = door.lab.instance('photos');
        const problem = { code: 'FAILED', message: 'No.' };
        door.lab.must('report-instance-failed', { instance, visit: door.lab.visit(instance), problem }, 'node:atlas');
      },
    ],
    [
      'an instance that stops',
      (door: Door) => {
        door.lab.must('stop-app', { name: 'wiki' });
        door.lab.must('stop-instance', { instance: door.lab.instance('wiki'), because: 'asked' }, 'policy:rollout');
      },
    ],
  ])('also in the middle of something: %s', (_, prepare) => {
    const door = lost(prepare);
    door.lab.must('remove-node', { name: 'atlas', force: true });
    expect(door.lab.lab.list('volume')).toEqual([]);
    expect(door.lab.lab.list('instance')).toEqual([]);
    // What waits for an instance to end goes on by itself.
    for (const app of door.lab.lab.list('app')) {
      for (const { name, input } of rolloutPolicy.propose(app.stream, door.lab.lab, { get: () => undefined }, 0)) {
        door.lab.must(name, input as never, 'policy:rollout');
      }
    }
    for (const app of door.lab.lab.list('app')) {
      expect(['failed', 'starting', 'stopped']).toContain(app.state);
      expect(app.quarantined).toBeNull();
    }
  });
});
