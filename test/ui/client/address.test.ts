import { describe, expect, it } from 'vitest';
import type { AppRow } from '#projections/views/apps.ts';
import { appMachine } from '#actors/app/machine.ts';
import { addressOf, isLink } from '#ui/client/address.ts';

const app = (more: object): AppRow =>
  ({ url: null, state: 'running', node: { id: 'node:1', name: 'atlas' }, services: {}, ...more }) as never;
const web = (...ports: object[]): AppRow => app({ services: { web: { ports } } });
const http = { published: 8090, target: 80, protocol: 'tcp' };
const real = { host: 'vm', simulated: false };
const simulated = { host: 'vm', simulated: true };

describe('the address of an app', () => {
  it.each([
    [app({ url: 'https://photos.lab/' }), 'https://photos.lab/', 'photos.lab'],
    [app({ url: 'ftp://x' }), 'ftp://x', 'ftp://x'],
    [web(http), 'http://vm:8090', 'atlas:8090'],
    [web({ published: 443, target: 443, protocol: 'tcp' }), 'https://vm', 'atlas:443'],
    [web({ published: 53, protocol: 'udp' }, { published: 80, protocol: 'tcp' }), 'http://vm', 'atlas:80'],
    [web({ published: 53, target: 53, protocol: 'udp' }), 'vm:53/udp', 'atlas:53'],
    [web({ ...http, hostIp: '0.0.0.0' }), 'http://vm:8090', 'atlas:8090'],
    [web({ ...http, hostIp: '::' }), 'http://vm:8090', 'atlas:8090'],
    [web({ ...http, hostIp: '10.0.0.1' }), 'http://10.0.0.1:8090', 'atlas:8090'],
    [web({ ...http, hostIp: 'fd00::1' }), 'http://[fd00::1]:8090', 'atlas:8090'],
    [app({}), null, null],
    [{ ...web(http), node: null }, null, null],
  ])('%# is whole, and in a simulated lab bare', (row, link, bare) => {
    expect(addressOf(row, real)).toBe(link);
    expect(addressOf(row, simulated)).toBe(bare);
  });

  const resting = ['stopped', 'failed'];
  it.each(Object.keys(appMachine.config.states ?? {}))('is made from a port while something runs: %s', (state) => {
    const row = { ...web(http), state };
    const rests = resting.includes(state);
    expect(addressOf(row, real)).toBe(rests ? null : 'http://vm:8090');
    expect(addressOf(row, simulated)).toBe(rests ? null : 'atlas:8090');
    // What its owner wrote down is true whether it runs or not.
    expect(addressOf({ ...row, url: 'https://photos.lab' }, real)).toBe('https://photos.lab');
  });

  it('has rows for the states in which an app rests', () => {
    expect(Object.keys(appMachine.config.states ?? {})).toEqual(expect.arrayContaining(resting));
  });

  it('is a link when a browser can open it', () => {
    expect(isLink('HTTP://vm:8090')).toBe(true);
    expect(isLink('vm:53/udp')).toBe(false);
    expect(isLink('javascript:alert(1)')).toBe(false);
  });
});
