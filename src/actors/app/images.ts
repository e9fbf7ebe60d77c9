/**
 * Images of an app. What the text of its file stands for is found out at the first start and stays, on every node, until
 * the file names another one or a person asks for what the registry has by now.
 */
import type { StreamId } from '#events/envelope.ts';
import { meansSame, type ImagePin, type OfferedImage } from '#events/values/image.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { draft, drafts, startOperation, unchanged } from '../drafting.ts';
import { reject } from '../rejection.ts';

/** Services for which the registry has another image than the one that they run. */
export function newerImages({
  images,
  offered,
}: Pick<ActorState<'app'>['context'], 'images' | 'offered'>): readonly (readonly [service: string, OfferedImage])[] {
  return Object.entries(offered)
    .filter(([service, offer]) => {
      const pin = images[service];
      return pin?.digest !== undefined && pin.image === offer.image && pin.digest !== offer.digest;
    })
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** What a registry does not know by a digest (built, imported) may be another one by now: the next start looks. */
const unknownToRegistries = ({ images }: ActorState<'app'>['context']): readonly string[] =>
  Object.entries(images)
    .filter(([, { digest }]) => digest === undefined)
    .map(([service]) => service)
    .toSorted();

export function newImages(ask: Ask<Commands['update-app']>, app: ActorState<'app'>): Decision {
  const { name, namespace, services: wanted } = ask.input;
  const { context, state } = app;
  if (state === 'removing') return reject('NOT_NOW', `App ${name} is being removed.`, 'Try again when it is gone.');
  if (state === 'stopping') return reject('NOT_NOW', `App ${name} is stopping.`, 'Try again when it has stopped.');
  const unknown = wanted?.find((service) => !context.spec.services[service]);
  if (unknown !== undefined) {
    return reject(
      'NOT_FOUND',
      `App ${name} has no service ${unknown}.`,
      `See which it has: floatlab app show ${name}.`,
    );
  }
  const isWanted = (service: string): boolean => wanted?.includes(service) ?? true;
  const newer = newerImages(context).filter(([service]) => isWanted(service));
  const anew = unknownToRegistries(context).filter((service) => wanted?.includes(service) ?? false);
  if (newer.length === 0 && anew.length === 0) return unchanged;
  const pins: Record<string, ImagePin | null> = {};
  for (const service of anew) pins[service] = null;
  for (const [service, offer] of newer) pins[service] = { ...offer, ids: [] };
  return {
    drafts: [
      startOperation(ask, 'update-app', app.stream, name, namespace),
      draft(app.stream, 'app.images-renewed', { images: pins }),
    ],
    changes: [
      ...newer.map(
        ([service, { image, digest }]) =>
          `Service ${service}: ${image} ${short(context.images[service]?.digest)} → ${short(digest)}.`,
      ),
      ...anew.map((service) => `Service ${service}: what ${context.images[service]?.image} is now on its node.`),
    ],
  };
}

/** Enough to tell two apart. */
const short = (digest: string | undefined): string => digest?.slice('sha256:'.length).slice(0, 12) ?? '?';

/** Services of which a registry can say whether there is a newer image: the tag is named, and no digest. */
export const checkable = ({ images }: Pick<ActorState<'app'>['context'], 'images'>): readonly ImagePin[] =>
  Object.values(images).filter(({ image, digest }) => digest !== undefined && !image.includes('@'));

/** What is not known from a registry is not asked for there. */
export function askForImages(app: ActorState<'app'> | undefined): Decision {
  if (!app || app.state === 'removing') return unchanged;
  if (checkable(app.context).length === 0) return unchanged;
  return drafts(draft(app.stream, 'app.images-check-requested', {}));
}

/**
 * Which node asks: the one where the app is, because it can reach that registry; else the first that is up. Undefined:
 * nobody can.
 */
export function imageAsker(app: ActorState<'app'>, lab: LabView): StreamId<'node'> | undefined {
  const home = lab.referrers(app.stream, 'instance')[0]?.context.node;
  if (home !== undefined && lab.get(home)?.state === 'up') return home;
  return lab.list('node').find(({ state, context }) => state === 'up' && context.facts?.engine)?.stream;
}

/** What the node of an app found under the names in its file. */
export function reportImages(input: Commands['report-app-images'], app: ActorState<'app'> | undefined): Decision {
  if (!app || app.state === 'removing') return unchanged;
  const images = Object.entries(input.images).filter(
    ([service, { image }]) => app.context.spec.services[service]?.image === image,
  );
  const unanswered = input.unanswered.filter((service) => app.context.spec.services[service]).toSorted();
  return drafts(draft(app.stream, 'app.images-checked', { images: Object.fromEntries(images), unanswered }));
}

/** What a start has found; a pin that is there is only added to. */
export function pinsOf(app: ActorState<'app'> | undefined, found: Readonly<Record<string, ImagePin>>): Decision {
  if (!app) return unchanged;
  const pins: Record<string, ImagePin> = {};
  for (const [service, pin] of Object.entries(found)) {
    if (app.context.spec.services[service]?.image !== pin.image) continue;
    const known = app.context.images[service];
    if (!known || known.image !== pin.image) pins[service] = { ...pin, ids: sorted(pin.ids) };
    else if (!meansSame(known, pin)) return isAnother(app.stream, service, known);
    else if (pin.ids.some((id) => !known.ids.includes(id))) {
      pins[service] = { ...known, ids: sorted([...known.ids, ...pin.ids]) };
    }
  }
  return Object.keys(pins).length === 0 ? unchanged : drafts(draft(app.stream, 'app.images-pinned', { images: pins }));
}

/** As many as a pin holds: one for each kind of processor and way of storing images. */
const maxIds = 16;
const sorted = (ids: readonly string[]): string[] => [...new Set(ids)].toSorted().slice(0, maxIds);

const isAnother = (app: StreamId<'app'>, service: string, { image, digest, ids }: ImagePin) =>
  reject(
    'FIXED',
    `Service ${service} of ${app} runs ${image} as ${short(digest ?? ids[0])}, and this is another image.`,
  );
