/**
 * The token that collectors of figures (Prometheus) show: it does not run out, and opens nothing but the figures. What
 * a session can do must not lie in the configuration of another program for years.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Presented } from './sessions.ts';

/** In the same time whatever differs. */
export function isMetricsToken(presented: Presented | undefined, token: string | undefined): boolean {
  if (token === undefined || presented?.via !== 'bearer') return false;
  return timingSafeEqual(digest(presented.token), digest(token));
}

const digest = (text: string): Uint8Array => createHash('sha256').update(text).digest();
