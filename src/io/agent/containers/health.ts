/** How long a healthcheck may take to succeed for the first time. Pure. */
import type { Healthcheck } from '../../devices/docker/port.ts';

/** What an engine takes where nothing is said. */
const usual = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 };
/** A busy machine begins its probes late. */
const reserveMs = 30_000;

/**
 * As long as an engine may go on saying `starting`: failures in the start period do not count, then it takes so many
 * in a row. Whoever gives up before it does fails an app that is merely slow.
 */
export function mayBeStartingMs(check: Healthcheck | undefined): number {
  const { intervalMs, timeoutMs, startPeriodMs, retries } = { ...usual, ...check };
  return startPeriodMs + retries * (intervalMs + timeoutMs) + reserveMs;
}
