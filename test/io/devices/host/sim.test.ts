import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { simHost } from '#io/devices/host/sim.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from '../volumes/self-winding-clock.ts';

const make = (seed = 1, clock = selfWindingClock()) => simHost({ clock, random: seededRandom(seed), name: 'atlas' });

describe('a simulated machine', () => {
  test('has facts, which a simulation can change', async () => {
    const host = make();
    expect(await host.facts(patient())).toMatchObject({ hostname: 'atlas', cpus: 4, memoryBytes: 8 * 2 ** 30 });
    host.setFacts({ cpus: 16 });
    expect(await host.facts(patient())).toMatchObject({ hostname: 'atlas', cpus: 16 });
  });

  test('has usage that stays plausible for ever, the same for the same seed', async () => {
    const [a, b] = [make(5), make(5)];
    for (let i = 0; i < 500; i++) {
      const usage = await a.usage(patient());
      expect(usage.cpu).toBeGreaterThan(0);
      expect(usage.cpu).toBeLessThan(0.5);
      expect(usage.memoryUsedBytes).toBeLessThan(8 * 2 ** 30);
      expect(await b.usage(patient())).toEqual(usage);
    }
  });

  test('can be made busy, and calm again', async () => {
    const host = make();
    host.setUsage({ cpu: 0.97 });
    expect(await host.usage(patient())).toMatchObject({ cpu: 0.97 });
    host.setUsage({});
    expect((await host.usage(patient())).cpu).toBeLessThan(0.5);
  });

  test('is up since it started', async () => {
    const clock = selfWindingClock();
    const host = make(1, clock);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 60_000));
    expect((await host.usage(patient())).uptimeMs).toBeGreaterThanOrEqual(60_000);
    host.reboot();
    expect((await host.usage(patient())).uptimeMs).toBeLessThan(1000);
  });

  test('can fail, be cancelled and be too slow', async () => {
    const host = make();
    host.fault = (op) => (op === 'usage' ? new IoError('FAILED', { op, target: 'atlas', message: 'no' }) : undefined);
    expect(await codeOf(host.usage(patient()))).toBe('FAILED');
    expect(await codeOf(host.facts(patient()))).toBeUndefined();
    expect(await codeOf(host.facts({ ...patient(), signal: AbortSignal.abort() }))).toBe('ABORTED');
    expect(await codeOf(host.facts({ ...patient(), timeoutMs: 0 }))).toBe('TIMED_OUT');
  });
});
