import { expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const compose = (motd: string): string => `name: shop
services:
  web: { image: nginx, configs: [motd] }
configs:
  motd: { content: "${motd}" }
`;

test('what a compose file holds of a config is a file in the folder of the app, and follows the next revision', async () => {
  const one = await OneMachine.started();
  const held = (): string | undefined => {
    const folder = one.lab.list('volume').find(({ context }) => context.metadata.name === 'shop-folder');
    return one.files.read(folder?.context.path ?? '', '.compose/configs/motd');
  };
  await one.must('deploy-app', { compose: compose('Welcome') });
  await one.untilApp('shop', 'running');
  expect(held()).toBe('Welcome');
  await one.must('deploy-app', { compose: compose('Goodbye') });
  await one.until('the next revision runs', () => held() === 'Goodbye');
  await one.untilApp('shop', 'running');
});
