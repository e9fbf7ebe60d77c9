import { describe, expect, test } from 'vitest';
import { call, OneMachine } from './one-machine.ts';

const compose = 'name: shop\nservices:\n  web: { image: nginx }\n';

async function deployed(): Promise<OneMachine> {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  return one;
}

const hasNetwork = async (one: OneMachine): Promise<boolean> => {
  const probe = `probe-${one.lab.index}-${one.clock.now()}`;
  return one.foreign(probe, { networks: [{ name: 'shop_default' }] }).then(
    () => true,
    () => false,
  );
};

describe('the network of an app', () => {
  test('stays when containers of others are in it: the app stops all the same, and the person is told', async () => {
    const one = await deployed();
    await one.foreign('grafana', { networks: [{ name: 'shop_default' }] });
    await one.must('stop-app', { name: 'shop' });
    await one.untilApp('shop', 'stopped');
    expect(await one.told()).toContain('shop on atlas: Network shop_default stays: other containers still use it.');
    expect(one.running).toEqual(['grafana']);
    expect(await hasNetwork(one)).toBe(true);
    await one.must('start-app', { name: 'shop' });
    await one.untilApp('shop', 'running');
  });

  test('goes with the app when nobody else is in it', async () => {
    const one = await deployed();
    await one.must('stop-app', { name: 'shop' });
    await one.untilApp('shop', 'stopped');
    expect(await hasNetwork(one)).toBe(false);
    expect(await one.told()).not.toContainEqual(expect.stringContaining('stays'));
  });

  test('may be several, of which one is somebody else’s: each service is in those that it names', async () => {
    const one = await OneMachine.started();
    const several = `name: shop
services:
  web: { image: nginx, networks: { front: { aliases: [site] }, back: {}, proxy: { priority: 9 } } }
  db: { image: postgres, networks: [back] }
networks: { front: {}, back: { internal: true }, proxy: { external: true } }
`;
    await one.must('deploy-app', { compose: several });
    await one.untilApp('shop', 'failed');
    const { problem } = one.app('shop')?.context ?? {};
    expect(problem).toMatchObject({
      code: 'MISSING',
      message: expect.stringContaining('Network proxy is not on') as unknown,
    });
    expect(problem?.hint).toContain('docker network create proxy');
    await one.await(one.docker.port.ensureNetwork({ name: 'proxy', labels: {} }, call()));
    await one.must('start-app', { name: 'shop' });
    await one.untilApp('shop', 'running');
    const inNetworks = [...(await one.containers()).values()].map(({ name, networks }) => [name, networks]);
    expect(inNetworks).toEqual([
      ['shop-db-1', ['shop_back']],
      ['shop-web-1', ['proxy', 'shop_back', 'shop_front']],
    ]);
    await one.must('stop-app', { name: 'shop' });
    await one.untilApp('shop', 'stopped');
    expect(one.docker.networks().map(({ name }) => name)).toEqual(['proxy']);
  });

  test('is made anew when its settings have changed', async () => {
    const one = await deployed();
    const made = () => one.docker.networks().find(({ name }) => name === 'shop_default')?.labels['floatlab.config'];
    const before = made();
    await one.must('deploy-app', { compose: `${compose}networks: { default: { internal: true } }\n` });
    await one.until('the network is another one', () => made() !== undefined && made() !== before);
    await one.untilApp('shop', 'running');
  });

  test('is not one that somebody else has made under its name, and that one is left alone', async () => {
    const one = await OneMachine.started();
    await one.await(
      one.docker.port.ensureNetwork({ name: 'shop_default', labels: { 'com.docker.compose.project': 'shop' } }, call()),
    );
    await one.must('deploy-app', { compose });
    await one.untilApp('shop', 'failed');
    const { problem } = one.app('shop')?.context ?? {};
    expect(problem).toMatchObject({ code: 'NAME_IN_USE', message: expect.stringContaining('shop_default') as unknown });
    expect(problem?.hint).toContain('docker network rm shop_default');
    await one.must('remove-app', { name: 'shop' });
    await one.until('the app is gone', () => one.app('shop') === undefined);
    expect(await hasNetwork(one)).toBe(true);
  });
});
