/** What a service is given of the machine it runs on. */
import { expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const compose = (...mounts: string[]): string =>
  `name: shop\nservices: { web: { image: nginx, volumes: [${mounts.join(', ')}] } }\n`;
const sources = (one: OneMachine): readonly string[] => one.docker.mountsOf('shop-web-1');

test('a folder of the machine is mounted, and made where the short form names one that is not there', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose: compose('/srv/media:/media', '/etc/localtime:/etc/localtime:ro') });
  await one.untilApp('shop', 'running');
  expect(sources(one)).toEqual(['/srv/media', '/etc/localtime']);
});

test('a folder that is not there and is not to be made fails the app, with what to do', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose: compose('{type: bind, source: /srv/media, target: /media}') });
  await one.untilApp('shop', 'failed');
  expect(one.app('shop')?.context.problem).toMatchObject({
    code: 'MISSING',
    message: '/srv/media is not there on this machine, and a service mounts it.',
  });
  one.files.write('/', 'srv/media/film.mkv', '');
  await one.must('start-app', { name: 'shop' });
  await one.untilApp('shop', 'running');
});

test('a link on the way is followed by nobody, also when it comes later', async () => {
  const one = await OneMachine.started();
  one.files.write('/', 'srv/media/films/a.mkv', '');
  await one.must('deploy-app', { compose: compose('/srv/media:/media', '/srv/media/films:/films') });
  await one.untilApp('shop', 'running');
  // What an app can do that may write into `/srv/media`.
  one.files.link('/', 'srv/media/films');
  await one.must('restart-app', { name: 'shop' });
  await one.untilApp('shop', 'failed');
  expect(one.app('shop')?.context.problem).toMatchObject({ code: 'INVALID' });
  expect(one.app('shop')?.context.problem?.message).toContain('/srv/media/films is a symbolic link');
});

test('nobody is given what lies in the folders of FloatLab, or holds them', async () => {
  const one = await OneMachine.started();
  for (const path of ['/pools', '/pools/atlas']) {
    await one.must('deploy-app', { compose: compose(`${path}:/x`) });
    await one.untilApp('shop', 'failed');
    expect(one.app('shop')?.context.problem).toMatchObject({ code: 'INVALID' });
  }
});

test('an app with data of a machine does not go on elsewhere when that is away, and says why', async () => {
  const one = await OneMachine.started(1, 2);
  await one.must('deploy-app', { compose: compose('/srv/media:/media') });
  await one.untilApp('shop', 'running');
  const [home] = one.lab.list('node').filter(({ stream }) => stream === one.instance('shop')?.context.node);
  const other = one.lab.list('node').find(({ stream }) => stream !== home?.stream);
  await one.must('stop-app', { name: 'shop' });
  await one.untilApp('shop', 'stopped');
  await one.must('cordon-node', { name: home?.context.metadata.name ?? '' });
  await one.must('start-app', { name: 'shop' });
  await one.until('it says why it waits', () => one.app('shop')?.context.delay?.code === 'NO_NODE_FITS');
  expect(one.app('shop')?.context.delay?.message).toContain(
    `${other?.context.metadata.name} is not where its data is: external data at /srv/media is on ${home?.context.metadata.name}`,
  );
});
