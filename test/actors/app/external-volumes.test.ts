/** Volumes of the lab that a compose file uses and does not make. */
import { expect, test } from 'vitest';
import { TestLab } from '../test-lab.ts';

const compose = (name: string, volume = 'films'): string =>
  `name: ${name}\nservices: { web: { image: nginx, volumes: ["m:/m"] } }\nvolumes: { m: { external: true, name: ${volume} } }\n`;

function lab(): TestLab {
  const one = TestLab.ready();
  one.must('create-volume', { name: 'films', spec: { sizeBytes: 2 ** 30 } });
  one.must('place-volume', { volume: one.volume('films'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  one.provision();
  return one;
}
const ownerOf = (of: TestLab) => of.lab.get(of.volume('films'))?.context.app;

test('an external volume is attached as it is, and stays as it is', () => {
  const one = lab();
  const before = one.lab.get(one.volume('films'))?.context.spec;
  expect(one.types('deploy-app', { compose: compose('player') })).toEqual([
    'operation.started',
    'volume.attached',
    'app.created',
    'app.start-requested',
  ]);
  expect(ownerOf(one)).toBe(one.app('player'));
  expect(one.lab.get(one.volume('films'))?.context.spec).toEqual(before);
  expect(one.types('deploy-app', { compose: compose('player') })).toEqual([]);
});

test('it goes with no app, whatever is asked', () => {
  const one = lab();
  one.must('deploy-app', { compose: compose('player'), start: false });
  expect(one.types('remove-app', { name: 'player', withVolumes: true })).toEqual([
    'operation.started',
    'app.removal-requested',
    'volume.detached',
    'app.removed',
  ]);
  expect(ownerOf(one)).toBeNull();
  one.must('deploy-app', { compose: compose('other') });
  expect(ownerOf(one)).toBe(one.app('other'));
});

test('one app has it at a time', () => {
  const one = lab();
  one.must('deploy-app', { compose: compose('player') });
  expect(one.run('deploy-app', { compose: compose('other') }).rejected).toMatchObject({
    code: 'VOLUME_IN_USE',
    explain: 'Volume films is in use by app player: a volume has one app that writes it.',
  });
});

test('where the lab has none of that name the file is refused, with what to do', () => {
  const one = lab();
  expect(one.run('deploy-app', { compose: compose('player', 'flims') }).rejected).toMatchObject({ code: 'NOT_FOUND' });
  expect(one.run('deploy-app', { compose: compose('player', 'team/films') }).rejected).toMatchObject({
    code: 'NOT_FOUND',
    explain:
      'The compose file uses volume team/films and does not make it (external), and the lab has none of that name.',
  });
  expect(one.types('deploy-app', { compose: compose('player', 'default/films') })).toContain('volume.attached');
});

test('one that was deleted is not taken, and two names for one volume are one too many', () => {
  const one = lab();
  const two =
    'name: p\nservices: {w: {image: a, volumes: ["a:/a", "b:/b"]}}\nvolumes: {a: {external: true, name: films}, b: {external: true, name: films}}\n';
  expect(one.run('deploy-app', { compose: two }).rejected?.code).toBe('INVALID');
  one.must('delete-volume', { name: 'films' });
  expect(['NOT_FOUND', 'NOT_NOW']).toContain(one.run('deploy-app', { compose: compose('player') }).rejected?.code);
});
