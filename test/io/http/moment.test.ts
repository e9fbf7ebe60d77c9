import { describe, expect, test } from 'vitest';
import { startServer } from './test-server.ts';

describe('a moment that has not come yet', () => {
  const ask = async (at: string) => {
    const { api, lab } = await startServer();
    lab.commit({ overview: { put: { lab: { name: 'home' } } } });
    return (await api(`/api/v1/overview?at=${encodeURIComponent(at)}`)).json as { code?: string; detail?: string };
  };
  const inMs = (ms: number): number => Date.now() + ms;

  test.each([
    ['a time', () => new Date(inMs(3_600_000)).toISOString()],
    ['milliseconds', () => String(inMs(3_600_000))],
    ['a time that no calendar has', () => '999999999999999'],
    ['an index', () => '812'],
  ])('is refused, as %s', async (_, at) => {
    expect(await ask(at())).toMatchObject({ status: 404, code: 'PAST_HEAD' });
  });

  test('says when it is now', async () => {
    expect((await ask('2999-01-01T00:00:00Z')).detail).toMatch(
      /^The lab is at 20\d\d-\d\d-\d\dT.*Z, not yet at 2999-01-01T00:00:00\.000Z\.$/,
    );
  });

  test('is taken for the present when clocks differ by less than a minute', async () => {
    expect(await ask(new Date(inMs(30_000)).toISOString())).toMatchObject({ name: 'home' });
  });
});
