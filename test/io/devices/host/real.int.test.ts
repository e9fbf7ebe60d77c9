import { arch, cpus, hostname, totalmem } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Clock } from '#io/devices/clock/port.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realHost } from '#io/devices/host/real.ts';
import { nodeFacts } from '#events/node.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';

describe('this machine', () => {
  test('has facts that fit into an event', async () => {
    const facts = await realHost().facts(patient());
    expect(facts).toMatchObject({ hostname: hostname(), cpus: cpus().length, memoryBytes: totalmem() });
    expect(facts.os.length).toBeGreaterThan(2);
    if (arch() === 'x64') expect(facts.architecture).toBe('amd64');
    const { architecture, cpus: cores, memoryBytes, os, kernel, devices } = facts;
    const about = { architecture, cpus: cores, memoryBytes, os, kernel, devices };
    const event = { ...about, engine: null, pools: [], version: '0' };
    expect(nodeFacts.parse(event)).toEqual(event);
  });

  test('tells memory, load and uptime', async () => {
    const usage = await realHost().usage(patient());
    expect(usage.memoryUsedBytes).toBeGreaterThan(2 ** 20);
    expect(usage.memoryUsedBytes).toBeLessThan(totalmem());
    expect(usage.load1).toBeGreaterThanOrEqual(0);
    expect(usage.uptimeMs).toBeGreaterThan(1000);
  });

  test('is seen to be busy when it is, and the share is that of the time between two questions', async () => {
    const host = realHost();
    const busyUntil = performance.now() + 700;
    while (performance.now() < busyUntil);
    const { cpu } = await host.usage(patient());
    expect(cpu).toBeGreaterThan(0.8 / cpus().length);
    expect(cpu).toBeLessThanOrEqual(1);
  });

  test('several who ask at once get one answer', async () => {
    let now = 0;
    const clock: Clock = { ...realClock, monotonicMs: () => now };
    const host = realHost(clock);
    now = 1000;
    const busyUntil = performance.now() + 50;
    while (performance.now() < busyUntil);
    const first = await host.usage(patient());
    const idle = new Promise((resolve) => setTimeout(resolve, 60));
    await idle;
    now = 1100;
    expect((await host.usage(patient())).cpu).toBe(first.cpu);
  });

  test('answers nothing to a call that was cancelled', async () => {
    const call = { ...patient(), signal: AbortSignal.abort() };
    expect(await codeOf(realHost().usage(call))).toBe('ABORTED');
    expect(await codeOf(realHost().facts(call))).toBe('ABORTED');
  });
});
