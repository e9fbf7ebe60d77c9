/** Once a day each app whose images came from a registry is looked after for newer ones. A registry that is away is asked again the next day. */
import { kindOf, type StreamId } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import { checkable } from '../app/images.ts';
import type { Policy } from './policy.ts';

const everyMs = 86_400_000;

export const newerImagesPolicy: Policy = {
  name: 'newer-images',
  subjects: ['app'],
  wakes: ({ event }) => (wakers.has(event.type) ? [event.stream] : []),
  dueAt: (subject, lab) => dueAt(subject as StreamId<'app'>, lab),
  propose: (subject, lab, _, now) => {
    const due = dueAt(subject as StreamId<'app'>, lab);
    if (due === undefined || due > now) return [];
    return [{ name: 'request-image-check', input: { app: subject as StreamId<'app'> }, because: { dueAt: due } }];
  },
};

const wakers = new Set(['app.images-pinned', 'app.images-checked', 'app.images-renewed', 'app.updated']);

function dueAt(stream: StreamId<'app'>, lab: LabView): number | undefined {
  const app = kindOf(stream) === 'app' ? lab.get(stream) : undefined;
  if (!app || app.state === 'removing' || checkable(app.context).length === 0) return undefined;
  const { imagesAskedAt, imagesCheckedAt } = app.context;
  // A node that was asked and died is not waited for for ever.
  return (imagesAskedAt ?? imagesCheckedAt ?? app.createdAt) + everyMs;
}
