/** What an engine makes for somebody who has died: it goes, and nothing else does. */
import { describe, expect, test } from 'vitest';
import { idOf } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import { sleep } from '#io/devices/clock/port.ts';
import { call, OneMachine } from './one-machine.ts';

const compose = 'name: shop\nservices:\n  web: { image: nginx }\n';

/**
 * The daemon is killed while the engine is about to make something for an app; the next one removes the app before
 * the engine has come to it.
 */
async function leftBehind(op: 'create' | 'ensureNetwork'): Promise<OneMachine> {
  const one = await OneMachine.started();
  const { port } = one.docker;
  const { create, ensureNetwork } = port;
  let begun = 0;
  const late = async (): Promise<void> => {
    begun++;
    await sleep(one.clock, 20_000);
  };
  if (op === 'create')
    port.create = async (...args) => {
      await late();
      return create(...args);
    };
  else
    port.ensureNetwork = async (...args) => {
      await late();
      return ensureNetwork(...args);
    };
  await one.must('deploy-app', { compose });
  await one.until('the engine is asked', () => begun > 0);
  Object.assign(port, { create, ensureNetwork });
  await one.restart(100);
  await one.must('remove-app', { name: 'shop' });
  await one.until('the app is gone', () => one.app('shop') === undefined);
  expect(await one.names()).toEqual([]);
  await one.clock.run(25_000);
  return one;
}

describe('what an engine has made for a daemon that was killed, of an app that was removed since', () => {
  test.each([
    ['create', ['shop-web-1']],
    ['ensureNetwork', ['shop_default']],
  ] as const)('goes by itself after some minutes (%s)', async (op, left) => {
    const one = await leftBehind(op);
    expect(await one.names()).toEqual(left);
    await one.clock.run(300_000);
    expect(await one.names()).toEqual([]);
  });

  test.each(['create', 'ensureNetwork'] as const)('goes when a daemon starts (%s)', async (op) => {
    const one = await leftBehind(op);
    await one.restart();
    await one.clock.run(5000);
    expect(await one.names()).toEqual([]);
  });

  test.each(['create', 'ensureNetwork'] as const)(
    'makes room for the next app of its name at once (%s)',
    async (op) => {
      const one = await leftBehind(op);
      await one.must('deploy-app', { compose });
      await one.untilApp('shop', 'running');
      expect(await one.names()).toEqual(['shop-web-1', 'shop_default']);
      const instance = idOf(one.instance('shop')?.stream ?? 'instance:');
      expect((await one.containers()).get('shop-web-1')?.labels[label.instance]).toBe(instance);
    },
  );
});

describe('what looks like it and is not', () => {
  test('stays: of another lab, of what this lab does not know yet, of an instance that is there', async () => {
    const one = await leftBehind('create');
    const left = (await one.containers()).get('shop-web-1')?.labels ?? {};
    await one.must('deploy-app', { compose });
    await one.untilApp('shop', 'running');
    const present = (await one.containers()).get('shop-web-1')?.labels ?? {};
    const index = one.lab.index;
    const strangers: Record<string, Record<string, string>> = {
      'instance-of-another-lab': { ...left, [label.instance]: 'other' },
      'app-of-another-lab': { ...left, [label.app]: 'other' },
      'event-of-something-else': { ...left, [label.epoch]: '1' },
      'of-the-future': { ...left, [label.epoch]: String(index + 1000) },
      'without-epoch': Object.fromEntries(Object.entries(left).filter(([key]) => key !== label.epoch)),
      'no-number': { ...left, [label.epoch]: 'x' },
      'of-the-present': present,
      'of-nobody': {},
    };
    for (const [name, labels] of Object.entries(strangers)) {
      await one.foreign(name, { labels });
      await one.await(one.docker.port.ensureNetwork({ name: `net-${name}`, labels }, call()));
    }
    // An image that somebody made of a container has its labels, and so has what runs from that image.
    await one.foreign('my-debug', { labels: left });
    const all = await one.names();
    await one.foreign(`shop-web-1-${left[label.app]?.slice(0, 8)}`, { labels: left });
    await one.restart();
    await one.clock.run(700_000);
    expect(await one.names()).toEqual(all);
  });

  test('keeps its name: the app gets another one beside the container of another lab', async () => {
    const one = await OneMachine.started();
    await one.foreign('shop-web-1', {
      labels: { [label.app]: 'theirs', [label.instance]: 'theirs', [label.epoch]: '3', [label.service]: 'web' },
    });
    await one.must('deploy-app', { compose });
    await one.untilApp('shop', 'running');
    expect(one.running).toHaveLength(2);
    expect((await one.containers()).get('shop-web-1')?.labels[label.app]).toBe('theirs');
  });

  test('keeps its name: a network of another lab is told of', async () => {
    const one = await OneMachine.started();
    const theirs = { [label.app]: 'theirs', [label.instance]: 'theirs', [label.epoch]: '3' };
    await one.await(one.docker.port.ensureNetwork({ name: 'shop_default', labels: theirs }, call()));
    await one.must('deploy-app', { compose });
    await one.untilApp('shop', 'failed');
    expect(one.app('shop')?.context.problem).toMatchObject({ code: 'NAME_IN_USE' });
    expect(await one.names()).toEqual(['shop_default']);
  });
});
