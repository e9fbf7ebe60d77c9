/** The closed union of everything that can happen, and the door through which stored events come back. */
import type * as z from 'zod';
import { appEvents } from './app.ts';
import { backupEvents } from './backup.ts';
import { backupTargetEvents } from './backup-target.ts';
import { clusterEvents } from './cluster.ts';
import type { EventDef, Upcast } from './define.ts';
import { instanceEvents } from './instance.ts';
import { namespaceEvents } from './namespace.ts';
import { nodeEvents } from './node.ts';
import { operationEvents } from './operation.ts';
import { poolEvents } from './pool.ts';
import { replicaEvents } from './replica.ts';
import { scheduleEvents } from './schedule.ts';
import { snapshotEvents } from './snapshot.ts';
import { transferEvents } from './transfer.ts';
import { volumeEvents } from './volume.ts';

export const registry = {
  ...clusterEvents,
  ...namespaceEvents,
  ...nodeEvents,
  ...volumeEvents,
  ...snapshotEvents,
  ...appEvents,
  ...instanceEvents,
  ...scheduleEvents,
  ...operationEvents,
  ...transferEvents,
  ...poolEvents,
  ...replicaEvents,
  ...backupTargetEvents,
  ...backupEvents,
};

export type EventType = keyof typeof registry;
export type Registry = { [T in EventType]: z.infer<(typeof registry)[T]['data']> };

export const eventTypes = Object.keys(registry).toSorted() as EventType[];
export const isEventType = (type: string): type is EventType => Object.hasOwn(registry, type);

/**
 * Brings stored data of an older schema to the current one.
 * @throws when the type is unknown or the schema is newer than this program: the log was written by a later version
 */
export function upcast(type: string, schema: number, data: unknown): unknown {
  if (!isEventType(type))
    throw new Error(`event type ${type} is unknown to this version of FloatLab: upgrade this node`);
  const def: EventDef = registry[type];
  if (schema === def.schema) return data;
  if (schema > def.schema || schema < 1) {
    throw new Error(
      `event ${type} has schema ${schema}, this version of FloatLab reads up to ${def.schema}: upgrade this node`,
    );
  }
  let current = data;
  for (let n = schema; n < def.schema; n++) current = (def.upcasts[n] as Upcast)(current as never);
  return current;
}
