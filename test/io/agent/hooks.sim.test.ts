/** Commands of an app around its snapshots, and sets over its volumes, on a simulated machine. */
import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import { OneMachine } from './one-machine.ts';

const compose = (hooks: string): string => `name: photos
services: { db: { image: pg, volumes: ["data:/d"] }, web: { image: nginx, volumes: ["files:/f"] } }
volumes: { data: {}, files: {} }
x-floatlab: { hooks: ${hooks} }
`;

interface Running {
  readonly one: OneMachine;
  /** What was run in containers, and each snapshot, in order. */
  readonly done: string[];
  snapshots(): readonly ActorState<'snapshot'>[];
}

async function running(hooks: string): Promise<Running> {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose: compose(hooks) });
  await one.untilApp('photos', 'running');
  const done: string[] = [];
  const { port } = one.docker;
  const { exec } = port;
  Object.assign(port, {
    exec: (...args: Parameters<typeof exec>) => {
      done.push(args[1].command.join(' '));
      return exec(...args);
    },
  });
  const [machine] = one.world.machines;
  if (machine) {
    const { snapshot } = machine.volumes;
    machine.volumes.snapshot = (...args) => {
      done.push('snapshot');
      return snapshot(...args);
    };
  }
  return { one, done, snapshots: () => one.lab.list('snapshot') };
}

const settled = ({ one, snapshots }: Running): Promise<void> =>
  one.until('every snapshot has come to its end', () => {
    const all = snapshots();
    return all.length > 0 && all.every(({ state }) => state !== 'taking');
  });

describe('hooks', () => {
  test('run before and after the snapshot, and how they ended is in the fact', async () => {
    const at = await running('{ before: {service: db, command: ["true"]}, after: {service: db, command: [echo, on]} }');
    await at.one.must('take-snapshot', { name: 'photos-data' });
    await settled(at);
    expect(at.done).toEqual(['true', 'snapshot', 'echo on']);
    expect(at.snapshots()[0]?.context.hooks).toMatchObject({
      before: { ended: 'done', service: 'db', exitCode: 0 },
      after: { ended: 'done' },
    });
  });

  test('run once around a set, whose snapshots are told to be one after the other where the pool cannot else', async () => {
    const at = await running('{ before: {service: db, command: ["true"]}, after: {service: db, command: [echo, on]} }');
    await at.one.must('take-app-snapshot', { name: 'photos', as: 'both' });
    await settled(at);
    expect(at.done).toEqual(['true', 'snapshot', 'snapshot', 'echo on']);
    expect(at.snapshots().map(({ state, context }) => [state, context.metadata.name, context.together])).toEqual([
      ['available', 'both', false],
      ['available', 'both', false],
    ]);
  });

  test('that fail leave no snapshot and a clear problem, and the one after runs all the same', async () => {
    const at = await running(
      '{ before: {service: db, command: ["false"]}, after: {service: db, command: [echo, on]} }',
    );
    await at.one.must('take-app-snapshot', { name: 'photos' });
    await settled(at);
    expect(at.done).toEqual(['false', 'echo on']);
    expect(at.snapshots().map(({ state, context }) => [state, context.problem?.code])).toEqual([
      ['failed', 'HOOK_FAILED'],
      ['failed', 'HOOK_FAILED'],
    ]);
    expect(at.snapshots()[0]?.context.problem?.message).toContain('service db, ended with exit code 1');
  });

  test('that fail are noted where the snapshot is wanted anyway', async () => {
    const at = await running('{ before: {service: db, command: ["false"]}, on-failure: take-anyway }');
    await at.one.must('take-snapshot', { name: 'photos-data' });
    await settled(at);
    expect(at.snapshots()[0]?.context.hooks?.before).toMatchObject({ ended: 'failed', exitCode: 1 });
    expect((await at.one.told()).join(' ')).toContain(
      'taken without its hook: in service db it ended with exit code 1',
    );
  });

  test('that hang are ended in time', async () => {
    const at = await running(
      '{ before: {service: db, command: [sleep, "900"], timeout: 5s}, on-failure: take-anyway }',
    );
    await at.one.must('take-snapshot', { name: 'photos-data' });
    await at.one.clock.run(9000);
    expect(at.snapshots()[0]?.context.hooks?.before).toMatchObject({ ended: 'timed-out' });
  });

  test('run once more when the daemon dies between them: nobody is left waiting', async () => {
    const at = await running(
      '{ before: {service: db, command: [sleep, "10"], timeout: 60s}, after: {service: db, command: [echo, on]} }',
    );
    await at.one.must('take-snapshot', { name: 'photos-data' });
    await at.one.clock.run(5000);
    expect(at.done).toEqual(['sleep 10']);
    await at.one.restart();
    await settled(at);
    expect(at.done).toEqual(['sleep 10', 'sleep 10', 'snapshot', 'echo on']);
    expect(at.snapshots()[0]?.state).toBe('available');
  });

  test('are not run in an app that is stopped', async () => {
    const at = await running('{ before: {service: db, command: ["false"]} }');
    await at.one.must('stop-app', { name: 'photos' });
    await at.one.untilApp('photos', 'stopped');
    await at.one.must('take-snapshot', { name: 'photos-data' });
    await settled(at);
    expect(at.done).toEqual(['snapshot']);
    expect(at.snapshots()[0]?.context.hooks?.before).toMatchObject({ ended: 'not-running' });
  });
});
