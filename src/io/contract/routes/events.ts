/** The log, as people read it. */
import { special, type Route } from './route.ts';

export const eventsRoutes: readonly Route[] = [
  special('events', 'get', '/api/v1/events', 'events', 'Events, newest first', {
    query: {
      before: 'Only events before this index',
      after: 'Only events after this index, oldest first',
      limit: 'At most 1000 (default 100)',
      correlation: 'Only events of this operation',
    },
  }),
  special('object-history', 'get', '/api/v1/history/{stream}', 'events', 'Events of one object, newest first', {
    query: { before: 'Only events before this index', limit: 'At most 1000 (default 100)' },
  }),
  special(
    'why',
    'get',
    '/api/v1/why',
    'events',
    'Why an object is as it is: what it waits for, what is wrong with what repairs it, and what led here',
    {
      query: {
        item: 'Its name, its id, or volume@snapshot',
        kind: 'Where several are called so',
        namespace: 'Of its name; default when it is left out',
      },
    },
  ),
];
