/** Rows that speak of something else: by its name, at every moment. */
import { describe, expect, test } from 'vitest';
import { Folded } from '#io/lab/folded.ts';
import { TestLab } from '#test/actors/test-lab.ts';

const photos = `name: photos
services: { web: { image: nginx, volumes: ["data:/data"] } }
volumes: { data: {} }
x-floatlab: { snapshot: { schedule: "0 * * * *" } }
`;

function foldedOf(lab: TestLab): Folded {
  const folded = new Folded();
  for (const event of lab.events) folded.fold(event);
  return folded;
}

describe('rows of volumes and schedules', () => {
  test('name the app that came after them in one entry', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: photos, start: false });
    const named = (): readonly unknown[] => {
      const folded = foldedOf(lab);
      return [folded.rows('volumes')[0]?.[1].app, folded.rows('schedules')[0]?.[1].app];
    };
    const ref = () => ({ id: lab.app('photos'), name: 'photos' });
    expect(named()).toEqual([ref(), ref()]);
    lab.must('remove-app', { name: 'photos' });
    lab.must('deploy-app', { compose: photos, start: false });
    expect(named()).toEqual([ref(), ref()]);
  });
});

describe('an operation', () => {
  const problem = { code: 'NO_NODE_FITS', message: 'No node fits: atlas is cordoned.' };
  const rows = (lab: TestLab) =>
    foldedOf(lab)
      .rows('operations')
      .map(([, { state, waits }]) => ({ state, waits }));

  test('says what it waits for, until that is over', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    const volume = lab.volume('loose');
    expect(rows(lab)).toEqual([{ state: 'running', waits: null }]);
    lab.must('delay-volume', { volume, problem }, 'policy:placement');
    expect(rows(lab)).toEqual([{ state: 'running', waits: problem }]);
    lab.must('place-volume', { volume, node: 'node:atlas', pool: 'main' }, 'policy:placement');
    expect(rows(lab)).toEqual([{ state: 'running', waits: null }]);
  });

  test('of an app waits no more once that has its node, and has waited for nothing when it has ended', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: 'name: photos\nservices: { web: { image: nginx } }\n' });
    const app = lab.app('photos');
    lab.must('delay-app', { app, problem }, 'policy:placement');
    expect(rows(lab)).toEqual([{ state: 'running', waits: problem }]);
    expect(foldedOf(lab).rows('apps')[0]?.[1].delay).toEqual(problem);
    const operation = lab.lab.list('operation')[0]?.stream ?? 'operation:';
    lab.must('assign-instance', { app, node: 'node:atlas' }, 'policy:placement');
    expect(rows(lab)).toEqual([{ state: 'running', waits: null }]);
    expect(foldedOf(lab).rows('apps')[0]?.[1].delay).toBeNull();
    lab.must('finish-operation', { operation }, 'policy:operations');
    expect(rows(lab)).toEqual([{ state: 'succeeded', waits: null }]);
  });
});

test.each([
  ['stop-app', 'report-node-down', 'Node atlas is down: app photos waits for it.'],
  ['restart-app', 'report-node-stopped', 'Node atlas was stopped on purpose: app photos waits for it.'],
] as const)(
  'what %s asks of a node that is not there is taken, and says for whom it waits',
  (command, gone, message) => {
    const lab = TestLab.ready();
    lab.running('name: photos\nservices: { web: { image: nginx } }\n');
    const waits = () => foldedOf(lab).rows('operations').at(-1)?.[1].waits?.message;
    if (gone === 'report-node-down') lab.must(gone, { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    else lab.must(gone, { node: 'node:atlas' }, 'node:atlas');
    lab.must(command, { name: 'photos' });
    expect(waits()).toBe(message);
    const { addresses = [], facts } = lab.lab.get('node:atlas')?.context ?? {};
    lab.must('report-node', { node: 'node:atlas', addresses: [...addresses], facts: facts as never }, 'node:atlas');
    expect(waits()).toBeUndefined();
  },
);

test('the overview counts the nodes that are cordoned, whatever their state', () => {
  const lab = TestLab.ready();
  lab.join('vega');
  const cordoned = (): number | undefined => foldedOf(lab).rows('overview')[0]?.[1].cordoned;
  expect(cordoned()).toBe(0);
  lab.must('cordon-node', { name: 'atlas' });
  lab.must('cordon-node', { name: 'vega' });
  lab.must('report-node-down', { node: 'node:vega', lastSeenAt: lab.now }, 'policy:liveness');
  expect(cordoned()).toBe(2);
  lab.must('uncordon-node', { name: 'atlas' });
  lab.must('remove-node', { name: 'vega' });
  expect(cordoned()).toBe(0);
});

test('what happens to an instance is part of the history of its app, and of its own', () => {
  const lab = TestLab.ready();
  lab.running('name: photos\nservices: { web: { image: nginx } }\n');
  const folded = new Folded();
  const groups = new Set<string>();
  for (const event of lab.events) {
    folded.fold(event);
    for (const [key] of folded.takeChanges().get('audit')?.put ?? []) {
      if (event.type === 'instance.started') groups.add(key.slice(0, key.lastIndexOf('|')));
    }
  }
  expect(groups).toEqual(new Set([lab.app('photos'), lab.instance('photos')]));
});

test('an app is as it is since a service of it was last started again', () => {
  const lab = TestLab.ready();
  lab.running('name: photos\nservices: { web: { image: nginx }, db: { image: postgres } }\n');
  const row = () => foldedOf(lab).rows('apps')[0]?.[1];
  const began = row();
  const sinceOf = (service: string): number | undefined => row()?.services[service]?.since;
  lab.now += 60_000;
  const status = { state: 'running', container: 'again', lastExitCode: 1, restarts: 1 } as const;
  const instance = lab.instance('photos');
  lab.must('report-service', { instance, visit: lab.visit(instance), service: 'web', status }, 'node:atlas');
  expect(row()?.state).toBe('running');
  expect([sinceOf('web'), sinceOf('db')]).toEqual([lab.now, began?.services['db']?.since]);
  expect(row()?.since).toBe(lab.now);
  lab.now += 60_000;
  lab.must('cordon-node', { name: 'atlas' });
  expect(row()?.since).toBe(lab.now - 60_000);
  lab.must('stop-app', { name: 'photos' });
  expect(row()?.since).toBe(lab.now);
});

describe('an app on a node that is down', () => {
  const web = 'name: photos\nservices: { web: { image: nginx } }\n';
  const rowOf = (lab: TestLab) => {
    const row = foldedOf(lab).rows('apps')[0]?.[1];
    if (!row) throw new Error('there is no app');
    return row;
  };
  const lastSeenAt = Date.UTC(2026, 0, 1) + 500;
  const down = (lab: TestLab): void => {
    lab.now += 60_000;
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt }, 'policy:liveness');
  };

  test('is not said to run: nobody has heard of it since', () => {
    const lab = TestLab.ready();
    lab.running(web);
    const before = rowOf(lab);
    expect([before.state, before.decided, before.lastHeardAt, before.delay]).toEqual([
      'running',
      'running',
      null,
      null,
    ]);
    down(lab);
    expect(rowOf(lab)).toMatchObject({
      state: 'unknown',
      decided: 'running',
      since: lab.now,
      lastHeardAt: lastSeenAt,
      node: { name: 'atlas' },
      services: { web: { state: 'unknown', container: 'c1' } },
      delay: { code: 'NODE_DOWN', message: 'Node atlas is down: whether app photos still runs there is not known.' },
    });
    expect(rowOf(lab).delay?.hint).toContain('does not move to another node by itself yet');
  });

  test('is what it was once the node is back', () => {
    const lab = TestLab.ready();
    lab.running(web);
    down(lab);
    const { addresses = [], facts } = lab.lab.get('node:atlas')?.context ?? {};
    lab.must('report-node', { node: 'node:atlas', addresses: [...addresses], facts: facts as never }, 'node:atlas');
    expect(rowOf(lab)).toMatchObject({ state: 'running', lastHeardAt: null, delay: null });
    expect(rowOf(lab).services['web']?.state).toBe('running');
  });

  test('that was told to stop waits for the node', () => {
    const lab = TestLab.ready();
    lab.running(web);
    down(lab);
    lab.must('stop-app', { name: 'photos' });
    expect(rowOf(lab)).toMatchObject({
      state: 'stopping',
      delay: { code: 'NODE_DOWN', message: 'Node atlas is down: app photos waits for it.' },
    });
  });

  test('leaves those alone that need no node', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: web, start: false });
    down(lab);
    expect(rowOf(lab)).toMatchObject({ state: 'stopped', lastHeardAt: null, delay: null });
  });
});
