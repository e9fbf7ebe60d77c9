/** What watches the daemon, and this interface itself. */
import { special, type Route } from './route.ts';

export const systemRoutes: readonly Route[] = [
  special('health', 'get', '/healthz', 'system', 'The process runs', { open: true }),
  special(
    'ready',
    'get',
    '/readyz',
    'system',
    'The node serves: log open, history folded, somebody leads, engine and pool reachable',
    {
      open: true,
    },
  ),
  special(
    'metrics',
    'get',
    '/metrics',
    'system',
    'Prometheus metrics; the token in the file `metrics-token` of the data directory opens this, and nothing else',
    { collected: true },
  ),
  special('openapi', 'get', '/api/v1/openapi.json', 'system', 'This document', { open: true }),
];
