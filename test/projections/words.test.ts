import { describe, expect, test } from 'vitest';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import { dispatch } from '#actors/dispatch.ts';
import { Overlay } from '#actors/overlay.ts';
import type { LabEvent, Principal } from '#events/envelope.ts';
import { Folded } from '#io/lab/folded.ts';
import { forecastFor, wordsFor } from '#projections/words.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { history } from '#test/golden/history.ts';

const photos = `name: photos
services: { web: { image: nginx, volumes: ["data:/data"] } }
volumes: { data: {} }
x-floatlab: { snapshot: { schedule: "0 * * * *" } }
`;

/** What each event says, in order. */
function said(events: readonly LabEvent[]): readonly string[] {
  const folded = new Folded([]);
  return events.map((event) => wordsFor(folded.fold(event), folded.lab));
}
const saidLast = (lab: TestLab, count: number): readonly string[] => said(lab.events).slice(-count);

/** What a dry run of the command says. */
function forecast<N extends CommandName>(lab: TestLab, name: N, input: CommandInputs[N], by: Principal = 'user:admin') {
  const view = new Overlay(lab.lab);
  const tools = { now: lab.now, head: lab.index, address: () => 'a'.repeat(64), content: () => undefined };
  const outcome = dispatch({ id: 'forecast', name, input, by }, view, tools);
  if (!('prepared' in outcome)) throw new Error(`${name} would do nothing`);
  return outcome.prepared.steps.map((step) => forecastFor(step, view));
}

describe('a forecast', () => {
  test('says what would happen, not what has', () => {
    const lab = TestLab.ready();
    expect(forecast(lab, 'deploy-app', { compose: photos })).toEqual([
      'admin would ask to deploy app photos.',
      'Volume photos-data would be created (1 GiB).',
      'Schedule photos-data-snapshot would be created (0 * * * *).',
      'App photos would be created.',
      'App photos would start.',
    ]);
  });

  test('says so of everything that a person can ask for', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'good');
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    lab.must('create-schedule', { name: 'by-hand', volume: 'photos-data', cron: '0 3 * * *' });
    const all = [
      forecast(lab, 'change-settings', { timeZone: 'Europe/Berlin' }),
      forecast(lab, 'create-namespace', { name: 'team' }),
      forecast(lab, 'cordon-node', { name: 'atlas' }),
      forecast(lab, 'deploy-app', { compose: photos.replace('nginx', 'caddy'), files: {} }),
      forecast(lab, 'stop-app', { name: 'photos' }),
      forecast(lab, 'restart-app', { name: 'photos' }),
      forecast(lab, 'remove-app', { name: 'photos' }),
      forecast(lab, 'take-snapshot', { name: 'photos-data' }),
      forecast(lab, 'remove-snapshot', { name: 'photos-data', snapshot: 'good' }),
      forecast(lab, 'rollback-volume', { name: 'photos-data', snapshot: 'good' }),
      forecast(lab, 'change-volume', { name: 'photos-data', sizeBytes: 2 ** 31 }),
      forecast(lab, 'delete-volume', { name: 'loose' }),
      forecast(lab, 'change-schedule', { name: 'by-hand', cron: '0 4 * * *', timeZone: 'Asia/Tokyo' }),
      forecast(lab, 'suspend-schedule', { name: 'photos-data-snapshot' }),
      forecast(lab, 'remove-schedule', { name: 'photos-data-snapshot' }),
    ].flat();
    for (const sentence of all) expect(sentence).toContain(' would ');
    expect(all).toContain('Schedule by-hand would be changed (0 4 * * * in Asia/Tokyo).');
  });

  test('never has the same words as the event itself, of whatever a plan may hold', () => {
    const folded = new Folded([]);
    // What only nodes and policies say is in nobody's plan.
    const reported = /^(?:instance\.(?:service-changed|warned|halted)|operation\.(?:succeeded|failed))$/;
    for (const event of history()) {
      const step = folded.fold(event);
      if (reported.test(event.type)) continue;
      expect(forecastFor(step, folded.lab)).not.toBe(wordsFor(step, folded.lab));
      expect(forecastFor(step, folded.lab)).toMatch(/ would /);
    }
  });
});

describe('what somebody asked for', () => {
  test.each<readonly [CommandName, string, string]>([
    ['rollback-volume', 'admin asked to roll back volume photos-data.', 'Rolling back volume photos-data'],
    ['take-snapshot', 'admin asked to take snapshot photos-data@now.', 'Taking snapshot photos-data@now'],
  ])('%s is told as people say it', (command, asked, doing) => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'good');
    const input = command === 'take-snapshot' ? { as: 'now' } : { snapshot: 'good' };
    const events = lab.must(command, { name: 'photos-data', ...input } as never);
    expect(said(lab.events)).toContain(asked);
    const operation = events[0]?.stream as `operation:${string}`;
    const problem = { code: 'FAILED', message: 'It did not work.' };
    lab.must('finish-operation', { operation, problem }, 'policy:operations');
    expect(saidLast(lab, 1)).toEqual([`${doing} failed: It did not work.`]);
  });

  test('has words for every command that begins an operation', () => {
    for (const sentence of said(history())) expect(sentence).not.toMatch(/asked to run |^[a-z]+-[a-z]+ of /);
  });
});

describe('a volume that was kept', () => {
  test('names its app when that has it again, although the app comes after it', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: photos, start: false });
    lab.must('remove-app', { name: 'photos' });
    const events = lab.must('deploy-app', { compose: photos, start: false });
    expect(events.map(({ type }) => type).indexOf('volume.attached')).toBeGreaterThan(0);
    expect(saidLast(lab, events.length)).toContain('Volume photos-data belongs to app photos again.');
  });

  test('is never spoken of by an id', () => {
    for (const sentence of said(history())) expect(sentence).not.toMatch(/(?:app|volume|node|instance):[0-9a-z]/);
  });
});

describe('a service', () => {
  const running = { state: 'running' as const, container: 'c1', restarts: 0 };
  const tell = (status: object): string => {
    const lab = TestLab.ready();
    lab.running('name: photos\nservices: { web: { image: nginx } }\n');
    const instance = lab.instance('photos');
    const report = { instance, visit: lab.visit(instance), service: 'web', status: { ...running, ...status } };
    const events = lab.must('report-service', report as never, 'node:atlas');
    return said(lab.events).at(lab.events.indexOf(events[0] as LabEvent)) ?? '';
  };

  test.each<readonly [object, string]>([
    [{ restarts: 1, lastExitCode: 137 }, 'Service web of photos ended with exit code 137; it is started again.'],
    [
      { restarts: 1, state: 'starting', lastExitCode: 0 },
      'Service web of photos ended with exit code 0; it is started again.',
    ],
    [{ restarts: 1 }, 'Service web of photos was started again.'],
    [{ state: 'exited', exitCode: 3 }, 'Service web of photos ended with exit code 3.'],
    [{ state: 'exited' }, 'Service web of photos does not run.'],
    [{ state: 'completed', exitCode: 0 }, 'Service web of photos has done its work and ended.'],
    [{ state: 'restarting', exitCode: 1, restarts: 6 }, 'Service web of photos ends again and again with exit code 1.'],
    [{ state: 'unhealthy' }, 'Service web of photos is unhealthy.'],
  ])('%j', (status, words) => expect(tell(status)).toBe(words));
});
