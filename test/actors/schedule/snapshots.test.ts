/** When snapshots on schedule have fallen behind: only when they could have been taken. */
import { describe, expect, test } from 'vitest';
import { Folded } from '#io/lab/folded.ts';
import { TestLab } from '../test-lab.ts';

const hourMs = 3_600_000;
const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data", "cache:/cache"] }
volumes: { data: {}, cache: {} }
x-floatlab: { size: 1GiB, snapshot: { schedule: "0 * * * *" } }
`;

const hourly = (lab: TestLab) => {
  const [schedule] = lab.lab.list('schedule').filter(({ context }) => context.spec.action === 'snapshot');
  if (!schedule) throw new Error('there is no schedule');
  return schedule;
};

/** The next run, on time. @returns types */
function run(lab: TestLab, lateMs = 0): readonly string[] {
  const { stream, context } = hourly(lab);
  lab.now = context.dueAt + lateMs;
  return lab.types('fire-schedule', { schedule: stream, dueAt: context.dueAt }, 'policy:schedules');
}

function end(lab: TestLab, how: 'taken' | 'failed'): readonly string[] {
  const problem = { code: 'NO_SPACE', message: 'The pool is full.' };
  const taking = lab.lab.list('snapshot').filter(({ state }) => state === 'taking');
  return taking.flatMap(({ stream, visit }) =>
    lab.lab.get(stream)?.visit !== visit
      ? []
      : how === 'taken'
        ? lab.types('report-snapshot-taken', { snapshot: stream, visit, guid: stream, takenAt: lab.now }, 'node:atlas')
        : lab.types('report-snapshot-failed', { snapshot: stream, visit, problem }, 'node:atlas'),
  );
}

function alone(): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('create-schedule', { name: 'hourly', volume: 'data', cron: '0 * * * *' });
  return lab;
}

/** Runs of which nothing comes. @returns after how many the schedule was said to be behind */
function failing(lab: TestLab, runs: number): number {
  for (let n = 1; n <= runs; n++) {
    if (run(lab).includes('schedule.fell-behind')) return n;
    end(lab, 'failed');
  }
  return 0;
}

describe('a schedule of snapshots', () => {
  test('has fallen behind when there is none for two intervals, says so once, and catches up with the next one', () => {
    const lab = alone();
    run(lab);
    end(lab, 'taken');
    const newest = lab.now;
    expect(failing(lab, 9)).toBe(3);
    expect(hourly(lab).context.behindSince).toBe(newest);
    end(lab, 'failed');
    expect(failing(lab, 3)).toBe(0);
    run(lab);
    expect(end(lab, 'taken')).toEqual(['snapshot.taken', 'schedule.caught-up']);
    expect(hourly(lab).context.behindSince).toBeNull();
  });

  test('is content with what somebody took by hand', () => {
    const lab = alone();
    run(lab);
    end(lab, 'taken');
    failing(lab, 2);
    lab.now += hourMs / 2;
    lab.snapshotTaken('data', 'mine');
    expect(failing(lab, 2)).toBe(0);
  });

  test('that never came to one says so', () => {
    const lab = alone();
    expect(failing(lab, 9)).toBe(3);
    const folded = new Folded(['alerts']);
    for (const event of lab.events) folded.fold(event);
    expect(folded.rows('alerts').map(([, { message }]) => message)).toContain(
      'There is no snapshot of volume data, although schedule hourly asks for them.',
    );
  });

  test.each<[string, (lab: TestLab) => void]>([
    [
      'its node is away',
      (lab) => lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness'),
    ],
    [
      'its volume is missing',
      (lab) => {
        const volume = lab.volume('data');
        const problem = { code: 'MISSING', message: 'It is gone.' };
        lab.must('report-volume-look', { volume, visit: lab.visit(volume), problem, isGone: true }, 'node:atlas');
      },
    ],
    ['its volume was deleted', (lab) => lab.must('delete-volume', { name: 'data' })],
  ])('leaves it to others to tell that %s', (_, happens) => {
    const lab = alone();
    run(lab);
    end(lab, 'taken');
    happens(lab);
    for (let n = 0; n < 9; n++) expect(run(lab)).not.toContain('schedule.fell-behind');
  });

  test.each<[string, (lab: TestLab) => void]>([
    [
      'was suspended for long',
      (lab) => {
        lab.must('suspend-schedule', { name: 'hourly' });
        lab.now += 50 * hourMs;
        lab.must('resume-schedule', { name: 'hourly' });
      },
    ],
    [
      'belongs to a volume that was deleted and is back',
      (lab) => {
        lab.must('delete-volume', { name: 'data' });
        for (let n = 0; n < 50; n++) run(lab);
        lab.must('recover-volume', { name: 'data-deleted' });
        lab.provision();
      },
    ],
  ])('that %s has two intervals', (_, happens) => {
    const lab = alone();
    run(lab);
    end(lab, 'taken');
    happens(lab);
    expect(failing(lab, 9)).toBe(3);
  });

  test('whose lab was off makes up for that, and has not fallen behind', () => {
    const lab = alone();
    run(lab);
    end(lab, 'taken');
    expect(run(lab, 30 * hourMs)).not.toContain('schedule.fell-behind');
  });

  test('of an app is behind for one of its volumes, until that one has a snapshot as well', () => {
    const lab = TestLab.ready();
    lab.running(compose);
    lab.must('create-schedule', { name: 'set', app: 'photos', cron: '0 * * * *' });
    for (const { stream, context } of lab.lab.list('schedule'))
      if (context.spec.app === undefined || context.spec.volume !== undefined)
        lab.must('suspend-schedule', { name: lab.lab.get(stream)?.context.metadata.name ?? '' });
    const set = () => lab.lab.byName('schedule', 'default', 'set');
    const fire = () => {
      const schedule = set();
      lab.now = schedule?.context.dueAt ?? lab.now;
      const input = { schedule: schedule?.stream ?? ('schedule:none' as const), dueAt: lab.now };
      return lab.types('fire-schedule', input, 'policy:schedules');
    };
    for (let n = 0; n < 2; n++) {
      fire();
      end(lab, 'failed');
    }
    expect(fire()).toContain('schedule.fell-behind');
    end(lab, 'failed');
    lab.now += 1000;
    lab.must('take-snapshot', { name: 'photos-data', as: 'one' });
    expect(end(lab, 'taken')).toEqual(['snapshot.taken']);
    lab.must('take-snapshot', { name: 'photos-cache', as: 'one' });
    expect(end(lab, 'taken')).toEqual(['snapshot.taken', 'schedule.caught-up']);
  });
});
