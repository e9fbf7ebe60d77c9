import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ActivityRow } from '#projections/views/activity.ts';
import { chainOf, longestChain, placeOf, problemOf, standingOf, storyOf, waitsFor } from '#projections/why.ts';
import { TestLab } from '../actors/test-lab.ts';

const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 1GiB }
`;

const get = (lab: TestLab, stream: string) => {
  const actor = lab.lab.get(stream as 'volume:x');
  if (!actor) throw new Error(`there is no ${stream}`);
  return actor;
};

describe('what something waits for', () => {
  test('is nothing while it runs, and its node once that is away, with what to do', () => {
    const lab = TestLab.ready();
    lab.running(compose);
    const app = () => get(lab, lab.app('photos'));
    expect(waitsFor(app(), lab.lab)).toBeNull();
    expect(standingOf(app(), lab.lab).state).toBe('running');
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    expect(waitsFor(app(), lab.lab)?.hint).toContain('floatlab node rm atlas --force');
    expect(standingOf(app(), lab.lab).state).toBe('unknown');
    expect(waitsFor(get(lab, 'node:atlas'), lab.lab)?.message).toBe('The machine to answer again.');
    expect(waitsFor(get(lab, lab.volume('photos-data')), lab.lab)?.message).toContain('Node atlas is down');
  });

  test('is a place before there is one, then the work of its node, and a person once that failed', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30 } });
    const volume = lab.volume('data');
    const waits = () => waitsFor(get(lab, volume), lab.lab)?.message;
    expect(waits()).toMatch(/^A place/);
    lab.must('place-volume', { volume, node: 'node:atlas', pool: 'main' }, 'policy:placement');
    expect(waits()).toBe('Node atlas has to create dataset.');
    const problem = { code: 'NO_SPACE', message: 'The pool is full.', hint: 'Grow it.' };
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    expect(waits()).toMatch(/^A person/);
    expect(problemOf(get(lab, volume))?.hint).toBe('Grow it. Then: floatlab volume retry data.');
  });
});

test('an app is told by what runs of it: where, and under which assignment', () => {
  const lab = TestLab.ready();
  lab.running(compose);
  const app = get(lab, lab.app('photos'));
  const instance = get(lab, lab.instance('photos'));
  expect(storyOf(app as never, lab.lab).map(({ stream }) => stream)).toEqual([app.stream, instance.stream]);
  const { node, epoch } = placeOf(app as never, lab.lab);
  expect(node).toBe('atlas');
  expect(epoch).toBe((instance.context as unknown as { epoch: number }).epoch);
});

describe('the chain of causes', () => {
  const row = (index: number, cause: string, more: Partial<ActivityRow> = {}): ActivityRow =>
    ({ index, id: `e${index}`, cause, command: `c${index}`, type: 'app.started', ...more }) as ActivityRow;

  test('goes from cause to cause, and ends with what a person asked for', () => {
    const asked = row(1, 'c', { command: 'c', type: 'operation.started' });
    const first = row(2, 'c', { command: 'c' });
    const second = row(3, 'e2');
    const rows = [asked, first, second, row(4, 'e1')];
    expect(chainOf(second, rows).map(({ index }) => index)).toEqual([2, 1]);
    expect(chainOf(asked, rows)).toEqual([]);
  });

  test('never ends nowhere: of any rows, whatever they name, it is short, goes back, and repeats nothing', () => {
    const rows = fc.array(
      fc.record({ index: fc.nat(40), cause: fc.nat(40), command: fc.nat(5), isAsked: fc.boolean() }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(rows, (said) => {
        const all = said.map(({ index, cause, command, isAsked }) =>
          row(index, `e${cause}`, {
            command: `c${command}`,
            type: isAsked ? 'operation.started' : 'app.started',
          }),
        );
        const [event] = all;
        const chain = event ? chainOf(event, all) : [];
        expect(chain.length).toBeLessThanOrEqual(longestChain);
        expect(new Set(chain).size).toBe(chain.length);
        const indexes = [event?.index ?? 0, ...chain.map(({ index }) => index)];
        expect(indexes).toEqual(indexes.toSorted((a, b) => b - a));
      }),
    );
  });
});
