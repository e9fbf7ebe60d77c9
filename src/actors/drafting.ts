/** What deciding has in common: finding things by name, drafting events, the refusals that everybody needs. */
import type { AnyDraft, Kind, StreamId } from '#events/envelope.ts';
import { streamOf } from '#events/envelope.ts';
import type { EventType, Registry } from '#events/registry.ts';
import type { Metadata } from '#events/values/metadata.ts';
import { labelKey, labels, labelValue, name, type Labels } from '#events/values/name.ts';
import * as z from 'zod';
import type { ActorState, Ask, Decision, LabView } from './actor.ts';
import { uuidFrom } from './ids.ts';
import { reject, type Rejection } from './rejection.ts';

export const defaultNamespace = 'default';
export const systemNamespace = 'system';

/** How people name a thing in a command. */
export const target = { namespace: name.default(defaultNamespace), name };
export const labelsInput = labels.default({});
/** What is not named stays; null takes a label away. */
export const labelChanges = z.record(labelKey, labelValue.nullable());

/** @returns undefined when nothing is different */
export function relabelled(before: Labels, changes: z.infer<typeof labelChanges>): Record<string, string> | undefined {
  const after: Record<string, string> = { ...before };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete after[key];
    else after[key] = value;
  }
  const isSame =
    Object.keys(after).length === Object.keys(before).length &&
    Object.entries(after).every(([key, value]) => before[key] === value);
  return isSame ? undefined : after;
}

/** How an agent names the work whose outcome it reports. */
export const visit = z.int().min(1);

export const draft = <T extends EventType>(stream: StreamId, type: T, data: Registry[T]): AnyDraft =>
  ({ stream, type, data }) as unknown as AnyDraft;

export const drafts = (...list: readonly (AnyDraft | readonly AnyDraft[])[]): Decision => ({ drafts: list.flat() });

/** Nothing to do: what was asked for is so already. */
export const unchanged: Decision = { drafts: [] };

export const newMetadata = (
  id: string,
  named: string,
  namespace: string,
  labels: Readonly<Record<string, string>> = {},
): Metadata => ({
  name: named,
  namespace,
  labels: { ...labels },
  annotations: {},
  uuid: uuidFrom(id),
});

/** The operation that the person may wait for; it takes id 0 of the command. */
export function startOperation(
  ask: Ask<unknown>,
  command: string,
  of: StreamId,
  targetName: string,
  namespace: string,
): AnyDraft {
  const id = ask.id(0);
  return draft(streamOf('operation', id), 'operation.started', {
    metadata: newMetadata(id, `op-${id.slice(0, 8)}`, namespace),
    command,
    target: of as Registry['operation.started']['target'],
    targetName,
  });
}

const articles: Readonly<Partial<Record<Kind, string>>> = { app: 'an', instance: 'an', operation: 'an' };

export function missing(kind: Kind, namespace: string, named: string): { readonly rejected: Rejection } {
  // Nodes and namespaces are in the lab's own namespace, which people never name.
  const where = [defaultNamespace, systemNamespace].includes(namespace) ? '' : ` in namespace ${namespace}`;
  const word = kind.replaceAll('-', ' ');
  return reject('NOT_FOUND', `There is no ${word} ${named}${where}.`, `floatlab ${word} ls shows what is there.`);
}

export function nameTaken(kind: Kind, named: string): { readonly rejected: Rejection } {
  return reject(
    'NAME_TAKEN',
    `There is already ${articles[kind] ?? 'a'} ${kind.replaceAll('-', ' ')} ${named}.`,
    'Choose another name.',
  );
}

/** Finds by name and goes on, or refuses. */
export function withNamed<K extends Kind>(
  lab: LabView,
  kind: K,
  by: { readonly namespace: string; readonly name: string },
  then: (actor: ActorState<K>) => Decision,
): Decision {
  const actor = lab.byName(kind, by.namespace, by.name);
  return actor ? then(actor) : missing(kind, by.namespace, by.name);
}

/** Goes on when the work that reports belongs to the present visit; an older outcome is refused. */
export function withVisit<K extends Kind>(
  lab: LabView,
  stream: StreamId<K>,
  visited: number,
  then: (actor: ActorState<K>) => Decision,
): Decision {
  const actor = lab.get(stream);
  if (actor?.visit === visited) return then(actor);
  return reject('STALE', `${stream} has moved on since this work began.`);
}
