import { describe, expect, it } from 'vitest';
import { cronInWords } from '#ui/web/format/cron-words.ts';
import { backupInWords, labInWords, plain, protectionInWords, replicationInWords } from '#ui/web/format/lab-words.ts';
import { operationTitle, percent, progressOf, whoOf, count } from '#ui/web/format/who.ts';
import { operationTone, stateWords, thingTone, thingWords, toneOf } from '#ui/web/format/state.ts';
import { evidenceLines } from '#projections/evidence-words.ts';
import { operationName, operationOf, shortWhy } from '#ui/web/format/why.ts';
import { toneOfEvent } from '#ui/web/format/event-tone.ts';
import { eventTypes } from '#events/registry.ts';

const app = (name: string, state: string, delay: object | null = null) => ({
  namespace: 'default',
  name,
  state,
  delay: delay as never,
});
const say = (apps: ReturnType<typeof app>[], alerts: { severity: 'critical' | 'warning' }[] = []) =>
  plain(labInWords(apps, alerts).phrase);

describe('the lab in one sentence', () => {
  it('says that all is well', () => {
    expect(say([app('a', 'running'), app('b', 'running'), app('c', 'running')])).toBe(
      'All 3 apps run. Nothing is wrong.',
    );
    expect(say([app('a', 'running'), app('b', 'running')])).toBe('Both apps run. Nothing is wrong.');
    expect(say([app('photos', 'running')])).toBe('photos runs. Nothing is wrong.');
    expect(say([])).toBe('No app runs here yet. Nothing is wrong.');
  });

  it('names what does not run', () => {
    expect(say([app('a', 'running'), app('b', 'running'), app('wiki', 'failed')], [{ severity: 'critical' }])).toBe(
      '2 of 3 apps run; wiki failed. 1 thing needs you.',
    );
    expect(say([app('a', 'starting'), app('b', 'updating', {})])).toBe(
      'a is starting and b is waiting. Nothing is wrong.',
    );
  });

  it('does not blame apps that are off, and says which they are', () => {
    expect(say([app('a', 'running'), app('b', 'running'), app('c', 'stopped')])).toBe(
      'Both apps run; c is off. Nothing is wrong.',
    );
    expect(say([app('c', 'stopped')])).toBe('c is off. Nothing is wrong.');
  });

  it('stops listing where nobody would read on', () => {
    const failed = ['a', 'b', 'c', 'd', 'e'].map((name) => app(name, 'failed'));
    expect(say(failed)).toContain('a failed, b failed, c failed and 2 more.');
  });

  it('says of what was known last neither that nothing is wrong nor that it is well', () => {
    const known = labInWords([app('a', 'running')], [], false);
    expect([known.tone, plain(known.phrase)]).toEqual(['off', 'What was known last: a runs.']);
    expect(labInWords([app('a', 'running')], [{ severity: 'critical' }], false).tone).toBe('failed');
  });

  it('takes the look of the worst thing', () => {
    expect(labInWords([app('a', 'running')], []).tone).toBe('running');
    expect(labInWords([app('a', 'starting')], []).tone).toBe('changing');
    expect(labInWords([app('a', 'running')], [{ severity: 'warning' }]).tone).toBe('attention');
    expect(labInWords([app('a', 'running')], [{ severity: 'warning' }, { severity: 'critical' }]).tone).toBe('failed');
  });
});

describe('whether everything is protected', () => {
  const now = 1_800_000_000_000;
  const volume = (name: string, ageMs: number | null, state = 'ready') => ({
    namespace: 'default',
    name,
    state,
    lastSnapshotAt: ageMs === null ? null : now - ageMs,
  });
  const protection = (...volumes: ReturnType<typeof volume>[]) => {
    const phrase = protectionInWords(volumes, now);
    return phrase && plain(phrase);
  };

  it('names the volumes without a snapshot', () => {
    expect(protection(volume('a', 1000), volume('wiki-data', null))).toBe('Volume wiki-data has no snapshot yet.');
    expect(protection(volume('a', null), volume('b', null))).toBe('Volumes a and b have no snapshot yet.');
  });

  it('tells how old the oldest of the newest snapshots is', () => {
    expect(protection(volume('a', 60_000), volume('b', 40 * 60_000))).toBe(
      'Every volume has a snapshot that is at most 40 m old.',
    );
    expect(protection(volume('a', 60_000), volume('b', 3 * 86_400_000))).toBe('The newest snapshot of b is 3 d old.');
    expect(protection(volume('a', 60_000))).toBe('Volume a was snapshotted 1 m ago.');
  });

  it('says nothing about volumes that are not there yet', () => {
    expect(protection(volume('a', null, 'creating'))).toBeUndefined();
    expect(protection()).toBeUndefined();
  });
});

describe('states', () => {
  it('of every kind have a look', () => {
    expect(['running', 'up', 'ready', 'available', 'active', 'healthy', 'succeeded'].map(toneOf)).toEqual(
      Array(7).fill('running'),
    );
    expect(['failed', 'down', 'exited'].map(toneOf)).toEqual(Array(3).fill('failed'));
    expect(['stopped', 'suspended', 'off', 'completed'].map(toneOf)).toEqual(Array(4).fill('off'));
    expect(['starting', 'rolling-back', 'draining', 'taking'].map(toneOf)).toEqual(Array(4).fill('changing'));
    expect(operationTone('running')).toBe('changing');
  });

  it('that wait for something ask for attention', () => {
    const waiting = { state: 'starting', delay: {} };
    expect([thingTone(waiting), thingWords(waiting)]).toEqual(['attention', 'waiting']);
    expect(thingTone({ state: 'running', delay: {} })).toBe('running');
    expect(stateWords('rolling-back')).toBe('rolling back');
  });

  it('every event has a look, and failures look like failures', () => {
    expect(eventTypes.map(toneOfEvent)).not.toContain(undefined);
    expect(eventTypes.filter((type) => type.endsWith('failed')).map(toneOfEvent)).not.toContain('running');
    expect(toneOfEvent('node.went-down')).toBe('failed');
    expect(toneOfEvent('app.started')).toBe('running');
  });
});

describe('what is kept outside of the lab', () => {
  const volume = (name: string, state = 'ready') =>
    ({ id: `volume:${name}`, namespace: 'default', name, state }) as const;
  const backup = (name: string, isGood = true) => ({ volume: { id: `volume:${name}` as const, name }, isGood });
  const words = (...of: Parameters<typeof backupInWords>) => plain(backupInWords(...of) ?? ['nothing']);

  it('is said once there is a target, and names the volumes of which nothing good is there', () => {
    expect(words([volume('a')], [], 0)).toBe('nothing');
    expect(words([volume('new', 'creating')], [], 1)).toBe('nothing');
    expect(words([volume('a'), volume('b')], [backup('a', false)], 1)).toBe(
      'No volume has a good backup outside of the lab.',
    );
    expect(words([volume('a'), volume('b'), volume('c')], [backup('a'), backup('a', false)], 1)).toBe(
      'b and c have no good backup yet.',
    );
    expect(words([volume('a'), volume('b')], [backup('a'), backup('b')], 1)).toBe(
      'Every volume has a good backup outside of the lab.',
    );
  });
});

describe('who, what and why', () => {
  it('tells people, nodes and policies apart', () => {
    expect(whoOf('user:admin')).toEqual({ kind: 'person', name: 'admin' });
    expect(whoOf('policy:placement')).toEqual({ kind: 'policy', name: 'placement policy' });
    expect(whoOf('node:x1', (id) => (id === 'node:x1' ? 'atlas' : undefined))).toEqual({ kind: 'node', name: 'atlas' });
    expect(whoOf('system:start').name).toBe('FloatLab');
  });

  it('says what an operation does while it runs, and what was asked for after', () => {
    const row = { command: 'rollback-volume', targetName: 'photos-db' };
    expect(operationTitle({ ...row, state: 'running' })).toBe('Rolling back volume photos-db');
    expect(operationTitle({ ...row, state: 'succeeded' })).toBe('Roll back volume photos-db');
    expect(operationTitle({ command: 'new-thing', targetName: 'x', state: 'running' })).toBe('new-thing of x');
  });

  it('adds up progress only where there is something to count', () => {
    expect(progressOf([])).toBeUndefined();
    expect(progressOf([{}])).toBeUndefined();
    expect(progressOf([{ done: 1, total: 2 }, {}, { done: 4, total: 4 }])).toBe(0.75);
    expect(progressOf([{ done: 9, total: 4 }])).toBe(1);
    expect(percent(0.644)).toBe('64 %');
    expect([count(1, 'app'), count(1200, 'app')]).toEqual(['1 app', '1,200 apps']);
  });

  it('finds the operation behind an event', () => {
    expect(operationOf({ correlation: 'operation:7kq2x1abcd' })).toBe('7kq2x1abcd');
    expect(operationOf({ correlation: 'cmd-1' })).toBeUndefined();
    expect(operationName('operation:7kq2x1abcd')).toBe('op-7kq2x1ab');
  });

  it('gives the rule that a policy went by, or the first thing it saw', () => {
    const row = { correlation: 'x', by: 'policy:placement', type: 'volume.placed' } as const;
    expect(shortWhy({ ...row, because: { candidates: [1], rule: 'most free' } })).toBe('most free');
    expect(shortWhy({ ...row, because: { uses: 'none' } })).toBe('uses: none');
    expect(shortWhy({ ...row, because: { text: 'x'.repeat(90) } })?.length).toBeLessThan(60);
    expect(shortWhy({ ...row, because: null })).toBeUndefined();
    const candidates = [
      { node: 'node:x1', name: 'atlas', freeBytes: 2 ** 30, pool: 'tank' },
      { node: 'node:x2', name: 'vega', freeBytes: 0, refused: 'is full' },
    ];
    expect(evidenceLines({ a: 1, b: 'two', candidates })).toEqual([
      ['a', '1'],
      ['b', 'two'],
      ['atlas', 'free 1 GiB, pool tank'],
      ['vega', 'free 0 B, refused is full'],
    ]);
  });
});

describe('schedules in words', () => {
  it.each([
    ['0 * * * *', 'every hour'],
    ['15 * * * *', 'every hour, 15 m past'],
    ['*/5 * * * *', 'every 5 m'],
    ['30 2 * * *', 'every day at 02:30'],
    ['0 */6 * * *', 'every 6 h'],
    ['15 4 * * 1', 'every Monday at 04:15'],
    ['0 7 * * 1-5', 'Monday to Friday at 07:00'],
    ['0 3 1 * *', 'on day 1 of each month at 03:00'],
  ])('%s is %s', (cron, words) => {
    expect(cronInWords(cron)).toBe(words);
  });

  it.each(['0 3 1 1 *', '0 3 1,15 * *', '0 3 1 * 1', '0-10 * * * *', 'nonsense', '0 3 * * * *'])(
    '%s stays as it is',
    (cron) => {
      expect(cronInWords(cron)).toBeUndefined();
    },
  );
});

describe('replicas in one sentence', () => {
  const point = { name: 's', takenAt: 1 };
  const copy = (holds: typeof point | null, behindSince: number | null = null) =>
    ({
      id: 'replica:r',
      name: 'r',
      node: { id: 'node:vega', name: 'vega' },
      state: 'idle',
      holds,
      behindSince,
    }) as const;
  const volume = (name: string, ...replicas: ReturnType<typeof copy>[]) => ({
    ...{ namespace: 'default', name, state: 'ready', replication: null, replicas },
  });
  const sentence = (volumes: ReturnType<typeof volume>[], nodes = 2): string | undefined => {
    const phrase = replicationInWords(volumes, nodes);
    return phrase && plain(phrase);
  };

  it('says which volumes have none, and of which it is behind', () => {
    expect(sentence([volume('a', copy(point))])).toBe('It has a replica on another node.');
    expect(sentence([volume('a', copy(point)), volume('b', copy(point, 5))])).toBe(
      'Every volume has a replica on another node. b is behind there.',
    );
    expect(sentence([volume('a', copy(point)), volume('b'), volume('c', copy(null, 5))])).toBe(
      '1 of 3 volumes has a replica on another node; b and c have none yet.',
    );
    expect(sentence([volume('a'), volume('b')])).toBe('No volume has a replica on another node.');
  });

  it('asks nobody for what cannot be: where there is one node, or nothing to keep', () => {
    expect(sentence([volume('a')], 1)).toBeUndefined();
    expect(sentence([], 3)).toBeUndefined();
  });
});
