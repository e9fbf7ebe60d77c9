/**
 * Volumes that a compose file uses and does not make (`external`): volumes of the lab by their names. Such a volume is
 * attached to the app as it is, and stays when the app goes. One app at a time has a volume: two that write into the same
 * files without knowing of each other destroy them.
 */
import type { AppSpec } from '#events/app.ts';
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';
import { reject, type Rejection } from '../rejection.ts';
import { isLost } from '../volume/volume.ts';

export type ExternalVolume = NonNullable<AppSpec['volumes'][string]['external']>;

interface Attached {
  readonly volume: ActorState<'volume'>;
  readonly drafts: readonly AnyDraft[];
}

/** @param namespace of the app: where a name without one is looked for */
export function attachExternal(
  wanted: ExternalVolume,
  app: { readonly stream: StreamId<'app'>; readonly name: string; readonly namespace: string },
  lab: LabView,
): Attached | { readonly rejected: Rejection } {
  const namespace = wanted.namespace ?? app.namespace;
  const shown = namespace === app.namespace ? wanted.name : `${namespace}/${wanted.name}`;
  const volume = lab.byName('volume', namespace, wanted.name);
  if (!volume) {
    return reject(
      'NOT_FOUND',
      `The compose file uses volume ${shown} and does not make it (external), and the lab has none of that name.`,
      `Make it (floatlab volume create ${wanted.name} --size 10GiB), correct its name, or remove \`external\` to get a volume of this app.`,
    );
  }
  const { context, state, stream } = volume;
  if (state === 'deleting' || state === 'discarded' || context.failedIn === 'deleting') {
    return reject(
      'NOT_NOW',
      `Volume ${shown} was deleted.`,
      `Take it back first: floatlab volume recover ${wanted.name}.`,
    );
  }
  if (isLost(context)) {
    return reject(
      'NOT_NOW',
      `Volume ${shown} is lost.`,
      `Restore it from a backup, or delete it: floatlab volume rm ${wanted.name}.`,
    );
  }
  if (context.app !== null && context.app !== app.stream) {
    const other = lab.get(context.app)?.context.metadata.name ?? 'another app';
    return reject(
      'VOLUME_IN_USE',
      `Volume ${shown} is in use by app ${other}: a volume has one app that writes it.`,
      `Put both services into one compose file, or give this app a volume of its own.`,
    );
  }
  return { volume, drafts: context.app === null ? [draft(stream, 'volume.attached', { app: app.stream })] : [] };
}

/** Volumes that the app only uses: they are not deleted with it. */
export const usedOnly = ({ context }: ActorState<'app'>): ReadonlySet<StreamId> =>
  new Set(
    Object.entries(context.volumes).flatMap(([key, stream]) => (context.spec.volumes[key]?.external ? [stream] : [])),
  );
