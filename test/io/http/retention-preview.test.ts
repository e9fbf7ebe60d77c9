/** The preview of retention shows exactly what the policy does: of whatever lab, at whatever moment. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retentionPolicy } from '#actors/policies/retention.ts';
import { replicationPolicy } from '#actors/policies/replication.ts';
import type { StreamId } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { Folded } from '#io/lab/folded.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { startServer } from './test-server.ts';

const hourMs = 3_600_000;
const node = 'node:atlas';
const nothingSeen = { get: () => undefined };

/** What happens to a volume with a replica, a target for backups and a schedule; each as far as it is possible then. */
const happenings = {
  scheduled: (lab: TestLab) => {
    const schedule = lab.lab.byName('schedule', 'default', 'hourly');
    if (!schedule) return;
    lab.now = Math.max(lab.now, schedule.context.dueAt);
    lab.run('fire-schedule', { schedule: schedule.stream, dueAt: schedule.context.dueAt }, 'policy:schedules');
  },
  hours: (lab: TestLab, n: number) => {
    for (let hour = 0; hour <= n; hour++) {
      happenings.scheduled(lab);
      happenings.taken(lab);
    }
  },
  byHand: (lab: TestLab) => lab.run('take-snapshot', { name: 'data' }),
  taken: (lab: TestLab) => {
    for (const { stream, visit } of inState(lab, 'taking'))
      lab.run('report-snapshot-taken', { snapshot: stream, visit, guid: stream, takenAt: lab.now }, node);
  },
  failed: (lab: TestLab) => {
    const [snapshot] = inState(lab, 'taking');
    const problem = { code: 'NO_SPACE', message: 'The pool is full.' };
    if (snapshot)
      lab.run('report-snapshot-failed', { snapshot: snapshot.stream, visit: snapshot.visit, problem }, node);
  },
  removed: (lab: TestLab, n: number) => {
    const some = inState(lab, 'available');
    const name = some[n % Math.max(1, some.length)]?.context.metadata.name;
    if (name !== undefined) lab.run('remove-snapshot', { name: 'data', snapshot: name });
  },
  held: (lab: TestLab) => {
    const problem = { code: 'HELD', message: 'It is held by keep.' };
    for (const { stream, visit } of inState(lab, 'removing'))
      lab.run('report-snapshot-held', { snapshot: stream, visit, problem }, node);
  },
  gone: (lab: TestLab) => {
    const [snapshot] = inState(lab, 'removing');
    if (snapshot) lab.run('report-snapshot-removed', { snapshot: snapshot.stream, visit: snapshot.visit }, node);
  },
  cloned: (lab: TestLab, n: number) =>
    lab.run('clone-volume', { name: 'data', as: `clone-${lab.index}`, ...some(lab, n) }),
  exported: (lab: TestLab, n: number) => lab.run('export-volume', { name: 'data', ...some(lab, n) }),
  backedUp: (lab: TestLab) => lab.run('create-backup', { name: 'data', to: 'usb' }),
  replicated: (lab: TestLab) => {
    for (const { stream, visit, context } of lab.lab.list('replica')) {
      for (const { name, input } of replicationPolicy.propose(stream, lab.lab, nothingSeen, lab.now))
        lab.run(name, input as never, 'policy:replication');
      const syncing = lab.lab.get(stream);
      if (syncing?.state === 'syncing' && visit % 2 === 1)
        lab.run('report-replica-synced', { replica: stream, visit: syncing.visit, bytes: 1 }, context.node as 'node:x');
    }
  },
  rolledBack: (lab: TestLab, n: number) =>
    lab.run('rollback-volume', { name: 'data', pastNewer: true, snapshot: '', ...some(lab, n) }),
  ready: (lab: TestLab) => {
    const volume = lab.lab.get(lab.volume('data'));
    if (volume?.state !== 'rolling-back') return;
    const stash = { name: volume.context.rollback?.stash ?? '', guid: `stash-${lab.index}`, takenAt: lab.now };
    lab.run('report-volume-rolled-back', { volume: volume.stream, visit: volume.visit, stash }, node);
  },
  later: (lab: TestLab, n: number) => void (lab.now += n * 7 * hourMs),
} as const;
type Happening = keyof typeof happenings;

const inState = (lab: TestLab, wanted: string) =>
  lab.lab.referrers(lab.volume('data'), 'snapshot').filter(({ state }) => state === wanted);
function some(lab: TestLab, n: number): { readonly snapshot?: string } {
  const available = inState(lab, 'available');
  const snapshot = available[n % Math.max(1, available.length)]?.context.metadata.name;
  return snapshot === undefined || n % 3 === 0 ? {} : { snapshot };
}

function begun(keep: string | undefined, at?: number): TestLab {
  const lab = TestLab.ready();
  lab.now = at ?? lab.now;
  lab.join('vega');
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 26, ...(keep === undefined ? {} : { keep }) } });
  lab.must('place-volume', { volume: lab.volume('data'), node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('create-schedule', { name: 'hourly', volume: 'data', cron: '0 * * * *' });
  lab.must('create-replica', { name: 'data', node: 'vega' });
  lab.must('add-backup-target', { name: 'usb', store: { kind: 'directory', path: '/mnt/usb' } });
  const target = lab.lab.byName('backup-target', 'system', 'usb')?.stream as StreamId<'backup-target'>;
  const looked = { target, visit: lab.visit(target), repository: '0f'.repeat(16), backups: 0 };
  lab.must('report-backup-target-checked', looked, node);
  return lab;
}

/** The lab after the story, which ends at that time: whoever has signed in to the server stays so. */
function told(rules: string | undefined, happened: readonly (readonly [Happening, number])[], endsAt: number): TestLab {
  const play = (at: number): TestLab => {
    const lab = begun(rules, at);
    for (const [what, n] of happened) happenings[what](lab, n);
    return lab;
  };
  // Everything happens at full hours, so that it takes as long whenever it begins.
  const took = play(endsAt).now - endsAt;
  return play(endsAt - took);
}

const keep = fc.constantFrom(undefined, 'last:1', 'last:2', '6h:1h', '24h:6h last:1', '2h:all 3d:1d');
const happening = fc.constantFrom<Happening>(...(Object.keys(happenings) as Happening[]));
const story = fc.array(fc.tuple(happening, fc.nat(5)), { minLength: 5, maxLength: 25 });
/** One in which a snapshot is needed for each purpose that there is. */
const eventful: readonly (readonly [Happening, number])[] = [
  ['hours', 5],
  ['replicated', 0],
  ['backedUp', 0],
  ['taken', 0],
  ['cloned', 1],
  ['exported', 2],
  ['removed', 4],
  ['held', 0],
  ['hours', 5],
  ['rolledBack', 5],
];

test('a preview of retention drops what the policy drops at that moment, and keeps what it keeps', async () => {
  const now = Date.UTC(2026, 5, 1);
  let lab = begun(undefined, now);
  let shown: Readonly<Record<string, object>> = {};
  const server = await startServer({ clock: { ...realClock, now: () => now } });
  Object.assign(server.lab.view, {
    get: (stream: StreamId) => lab.lab.get(stream),
    list: (kind: 'volume') => lab.lab.list(kind),
    referrers: (to: StreamId, kind: 'volume') => lab.lab.referrers(to, kind),
  });
  const seen = { dropped: 0, kept: new Set<string>() };
  await fc.assert(
    fc.asyncProperty<[string | undefined, readonly (readonly [Happening, number])[]]>(
      keep,
      story,
      async (rules, happened) => {
        lab = told(rules, happened, now);
        expect(lab.now).toBe(now);
        const folded = new Folded();
        for (const event of lab.events) folded.fold(event);
        const rows = Object.fromEntries(
          (['volumes', 'snapshots'] as const).map((view) => [view, Object.fromEntries(folded.rows(view))]),
        );
        // What the lab before had, and this one has not.
        const del = (view: string) =>
          Object.keys(shown[view] ?? {}).filter((key) => !Object.hasOwn(rows[view] ?? {}, key));
        server.lab.commit(
          Object.fromEntries(Object.entries(rows).map(([view, put]) => [view, { put, del: del(view) }])),
        );
        shown = rows;
        const { json } = await server.api('/api/v1/volumes/default/data/retention');
        const items = json.items as readonly { snapshot: string; keep: boolean; why: string }[];
        const previewed = items.filter((item) => !item.keep).map(({ snapshot, why }) => [snapshot, why]);
        const proposals = retentionPolicy.propose(lab.volume('data'), lab.lab, nothingSeen, lab.now);
        const dropped = proposals.flatMap((proposal) =>
          proposal.name === 'prune-snapshots' ? proposal.input.snapshots : [],
        );
        const acted = dropped
          .filter(({ snapshot }) => lab.lab.get(snapshot)?.state === 'available')
          .map(({ snapshot, because }) => [lab.lab.get(snapshot)?.context.metadata.name, because]);
        expect(previewed).toEqual(acted);
        // And nothing of it is refused when it is decided.
        for (const { name, input } of proposals) lab.must(name, input as never, 'policy:retention');
        expect(dropped.map(({ snapshot }) => lab.lab.get(snapshot)?.state)).toEqual(dropped.map(() => 'removing'));
        seen.dropped += acted.length;
        for (const item of items) if (item.keep) seen.kept.add(item.why);
      },
    ),
    { numRuns: 25, examples: [['last:1', eventful]] },
  );
  // The labs were worth looking at.
  expect(seen.dropped).toBeGreaterThan(3);
  expect([...seen.kept]).toEqual(
    expect.arrayContaining([
      'another tool holds it',
      'a clone begins with it',
      'a backup is written from it',
      'files of it are restored or exported',
      'the replica on vega stands on it',
    ]),
  );
});
