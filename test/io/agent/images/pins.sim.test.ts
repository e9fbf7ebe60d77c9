/** What the name of an image meant at the first start stays what runs: over nodes, crashes, and registries that are away. */
import { expect, test } from 'vitest';
import type { SimDocker } from '#io/devices/docker/sim.ts';
import { call, OneMachine } from '../one-machine.ts';

const compose = 'name: shop\nservices:\n  web: { image: "nginx:1" }\n';

const pinOf = (one: OneMachine) => one.app('shop')?.context.images['web'];

/** The id of the image of the one container that runs. */
async function runningImage(one: OneMachine, docker: SimDocker = one.docker): Promise<string | undefined> {
  const [container, ...more] = docker.running();
  expect(more).toEqual([]);
  return (await one.await(docker.port.image(container?.image ?? '', call())))?.id;
}

test('an app that goes to another node runs the same image there, although its tag was moved', async () => {
  const one = await OneMachine.started(1, 2);
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  const pin = pinOf(one);
  expect(pin?.digest).toBe(one.world.registry.digest('nginx:1'));
  const first = one.instance('shop')?.context.node;
  one.world.registry.move('nginx:1');
  one.world.registry.isUp = false;
  const name = first && one.lab.get(first)?.context.metadata.name;
  await one.must('cordon-node', { name: name ?? '' });
  await one.must('restart-app', { name: 'shop' });
  await one.until('it runs elsewhere', () => {
    const instance = one.instance('shop');
    return instance?.state === 'running' && instance.context.node !== first;
  });
  const there = one.world.machines.find((machine) => machine.name !== name);
  expect(await runningImage(one, there?.docker)).toBe(pin?.ids[0]);
  expect(pinOf(one)).toEqual(pin);
});

test('another revision with the same image keeps it; the person who asks for the new one gets that', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  const before = pinOf(one);
  one.world.registry.move('nginx:1');
  await one.must('deploy-app', { compose: compose.replace('"nginx:1"', '"nginx:1", environment: { A: b }') });
  await one.until(
    'revision 2 runs',
    () => one.app('shop')?.state === 'running' && one.instance('shop')?.context.revision === 2,
  );
  expect(pinOf(one)).toEqual(before);

  const app = one.app('shop')?.stream ?? 'app:';
  const digest = one.world.registry.digest('nginx:1') ?? '';
  const report = { app, images: { web: { image: 'nginx:1', digest } } };
  const by = one.instance('shop')?.context.node as `node:${string}`;
  const request = { id: 'report', name: 'report-app-images' as const, input: report, by };
  await one.await(one.world.wired.lab.run(request, new AbortController().signal));
  await one.must('update-app', { name: 'shop' });
  await one.until(
    'revision 3 runs',
    () => one.app('shop')?.state === 'running' && one.instance('shop')?.context.revision === 3,
  );
  expect(pinOf(one)?.digest).toBe(digest);
  expect(pinOf(one)?.ids).not.toEqual(before?.ids);
  expect(await runningImage(one)).toBe(pinOf(one)?.ids[0]);
});

test('an app whose image no registry gives waits, says why, and starts when the registry is back', async () => {
  const one = await OneMachine.started();
  one.world.registry.isUp = false;
  await one.must('deploy-app', { compose });
  await one.clock.run(20_000);
  expect(one.app('shop')?.state).not.toBe('running');
  one.world.registry.isUp = true;
  await one.must('start-app', { name: 'shop' });
  await one.untilApp('shop', 'running');
});

test('a crash between the pull and the event leaves a lab whose pin is what runs', async () => {
  const one = await OneMachine.started();
  let isPulled = false;
  one.docker.setFault((op, _, when) => {
    if (op === 'tagImage' && when === 'after') isPulled = true;
    return undefined;
  });
  await one.must('deploy-app', { compose });
  await one.until('the image is there', () => isPulled);
  expect(pinOf(one)).toBeUndefined();
  expect(one.docker.running()).toEqual([]);
  one.world.registry.move('nginx:1');
  await one.restart();
  await one.untilApp('shop', 'running');
  expect(pinOf(one)?.digest).toBe(one.world.registry.digest('nginx:1'));
  expect(await runningImage(one)).toBe(pinOf(one)?.ids[0]);
  // What it was is in the history before anything of it ran.
  const told = await one.told();
  const known = told.findIndex((words) => words.startsWith('The images of app shop are known'));
  expect(known).toBeGreaterThan(-1);
  expect(known).toBeLessThan(told.indexOf('App shop runs.'));
});

test('the node that may have to run an app next has its image beforehand, and keeps it up with the app', async () => {
  const one = await OneMachine.started(1, 2);
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  const home = one.instance('shop')?.context.node;
  const [other] = one.lab.list('node').filter(({ stream }) => stream !== home);
  const isReady = () => one.app('shop')?.context.held[other?.stream ?? '']?.['web'] === pinOf(one)?.ids[0];
  await one.until('its image is on the other node', isReady);
  expect(one.app('shop')?.context.standby).toEqual([other?.stream]);
  const there = one.world.machines.find(({ name }) => name === other?.context.metadata.name);
  const found = await one.await(
    there?.docker.port.image(pinOf(one)?.ids[0] ?? '', call()) ?? Promise.resolve(undefined),
  );
  expect(found?.id).toBe(pinOf(one)?.ids[0]);
  // Nothing runs there for that.
  expect(there?.docker.running()).toEqual([]);
  expect(await one.told()).toContain(`The images of app shop are ready on ${other?.context.metadata.name}.`);
});

test('newer images are told and nothing is done; a registry that is away is part of the answer, and no alarm', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  const context = () => one.app('shop')?.context;
  const ask = async () => {
    const before = context()?.imagesCheckedAt;
    await one.must('check-app-images', { name: 'shop' });
    await one.until('there is an answer', () => context()?.imagesCheckedAt !== before);
  };
  one.world.registry.isUp = false;
  await ask();
  expect(context()?.unanswered).toEqual(['web']);
  expect(one.world.wired.lab.rows('alerts')).toEqual([]);
  one.world.registry.isUp = true;
  one.world.registry.move('nginx:1');
  await ask();
  expect(context()?.unanswered).toEqual([]);
  expect(context()?.offered['web']?.digest).toBe(one.world.registry.digest('nginx:1'));
  expect(context()?.images['web']?.digest).not.toBe(context()?.offered['web']?.digest);
  expect(context()?.revision).toBe(1);
});

test('an app whose registry asks for a login says so, and starts when the lab has it', async () => {
  const one = await OneMachine.started();
  one.world.registry.logins.set('docker.io', { username: 'ada', password: 'secret' });
  await one.must('open-registry', { registry: 'docker.io', username: 'ada', password: 'wrong' });
  await one.must('deploy-app', { compose });
  const why = () => JSON.stringify(one.world.wired.lab.rows('apps'));
  await one.until('it says what is wrong', () => why().includes('floatlab registry login docker.io'));
  expect(why()).toContain('registry docker.io denied');
  await one.must('open-registry', { registry: 'docker.io', username: 'ada', password: 'secret' });
  await one.must('start-app', { name: 'shop' });
  await one.untilApp('shop', 'running');
  expect(pinOf(one)?.digest).toBe(one.world.registry.digest('nginx:1'));

  // The same login asks for newer images.
  one.world.registry.move('nginx:1');
  await one.must('check-app-images', { name: 'shop' });
  await one.until('there is an answer', () => one.app('shop')?.context.offered['web'] !== undefined);
  expect(one.app('shop')?.context.unanswered).toEqual([]);
});
