/** Services that share the network of another one: they go with it. */
import { expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const compose = `name: shop
services:
  vpn: { image: vpn, restart: always }
  web: { image: nginx, network_mode: "service:vpn", restart: always }
`;
const container = (one: OneMachine, service: string) =>
  one.docker.running().find(({ name }) => name === `shop-${service}-1`);

test('the owner of the network comes first, and the other one is made in its network', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  const [vpn, web] = [container(one, 'vpn'), container(one, 'web')];
  expect(web?.startedAt).toBeGreaterThan(vpn?.startedAt ?? Number.POSITIVE_INFINITY);
  expect(web?.networks).toEqual([]);
});

test('when the owner is started anew the other one is, too, and its policy does not count that', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  const before = container(one, 'web')?.startedAt ?? 0;
  one.docker.crashContainer('shop-vpn-1', 1);
  await one.until('both run anew', () => {
    const [vpn, web] = [container(one, 'vpn'), container(one, 'web')];
    return (web?.startedAt ?? 0) > before && (web?.startedAt ?? 0) > (vpn?.startedAt ?? Number.POSITIVE_INFINITY);
  });
  await one.until('the lab knows', () => one.instance('shop')?.context.services['vpn']?.restarts === 1);
  expect(one.instance('shop')?.context.services['web']?.restarts).toBe(0);
});

test('a container of the owner that was removed is made anew, and the other one in its network', async () => {
  const one = await OneMachine.started();
  await one.must('deploy-app', { compose });
  await one.untilApp('shop', 'running');
  const web = container(one, 'web')?.id;
  await one.remove('shop-vpn-1');
  await one.until('both are others', () => {
    const now = container(one, 'web')?.id;
    return now !== undefined && now !== web && container(one, 'vpn') !== undefined;
  });
});
