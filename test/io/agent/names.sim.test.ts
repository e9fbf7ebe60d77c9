import { describe, expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const app = (name: string, service: string): string => `name: ${name}\nservices:\n  ${service}: { image: nginx }\n`;
const photo = app('photo', 'db-web');
const photoDb = app('photo-db', 'web');

describe('two apps whose containers would have the same name', () => {
  test('both run; the second one has the id of its app behind the name', async () => {
    const one = await OneMachine.started();
    await one.must('deploy-app', { compose: photo });
    await one.untilApp('photo', 'running');
    await one.must('deploy-app', { compose: photoDb });
    await one.untilApp('photo-db', 'running');
    const id = (one.app('photo-db')?.stream ?? '').slice('app:'.length);
    const other = `photo-db-web-1-${id.slice(0, 8)}`;
    expect(one.running).toEqual(['photo-db-web-1', other]);
    // Each is its own for ever: stopped, started again, and seen by a daemon that has just begun.
    await one.restart();
    await one.clock.run(30_000);
    await one.must('stop-app', { name: 'photo' });
    await one.untilApp('photo', 'stopped');
    expect(one.running).toEqual([other]);
    await one.must('restart-app', { name: 'photo-db' });
    await one.until('it stops', () => one.app('photo-db')?.state !== 'running');
    await one.untilApp('photo-db', 'running');
    expect(one.running).toEqual(['photo-db-web-1']);
    await one.must('start-app', { name: 'photo' });
    await one.untilApp('photo', 'running');
    expect(one.running).toHaveLength(2);
  });
});

describe('a container of somebody else that has the name', () => {
  test('is left alone, and the person is told how to see whose it is', async () => {
    const one = await OneMachine.started();
    await one.foreign('photo-db-web-1', {});
    await one.must('deploy-app', { compose: photo });
    await one.untilApp('photo', 'failed');
    expect(one.app('photo')?.context.problem).toMatchObject({
      code: 'NAME_IN_USE',
      message: "A container named photo-db-web-1 exists on this machine already, and it is not FloatLab's.",
      hint: expect.stringContaining('docker rm -f photo-db-web-1') as unknown,
    });
    expect(one.running).toEqual(['photo-db-web-1']);
  });
});
