/** The configuration database: every object with what was asked for (`spec`) and how it is (`status`). */
import type { ActorState } from '#actors/actor.ts';
import type { Kind, StreamId } from '#events/envelope.ts';
import { apiVersion, type Metadata } from '#events/values/metadata.ts';
import { defineProjection } from './projection.ts';

export interface ConfigRow {
  readonly apiVersion: typeof apiVersion;
  readonly kind: Kind;
  readonly id: StreamId;
  readonly metadata: Metadata;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>>;
  readonly version: number;
}

export const configProjection = defineProjection<ConfigRow>({
  name: 'config',
  version: 1,
  keeps: 'table',
  apply: (rows, { event, after }) => {
    if (!after || after.kind === 'operation') return;
    if (after.final) return rows.delete(event.stream);
    const { metadata, ...rest } = after.context;
    const { spec, status } = split(after, rest);
    rows.put(event.stream, {
      apiVersion,
      kind: after.kind,
      id: after.stream,
      metadata,
      spec,
      status: {
        state: after.state,
        since: after.since,
        ...status,
        ...(after.quarantined === null ? {} : { quarantined: after.quarantined }),
      },
      version: after.version,
    });
  },
  scope: (row) => ({ verb: 'read', kind: row.kind, namespace: row.metadata.namespace }),
});

/** A kind with a specification of its own keeps it; of the others the few wishes are named here. */
const wishes: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  cluster: ['timeZone'],
  node: ['cordoned'],
  snapshot: ['volume', 'reason', 'note'],
  instance: ['app', 'revision', 'node'],
};

function split(actor: ActorState, context: object): { spec: Record<string, unknown>; status: Record<string, unknown> } {
  if ('spec' in context) {
    const { spec, ...status } = context;
    return { spec: spec as Record<string, unknown>, status };
  }
  const wanted = wishes[actor.kind] ?? [];
  const entries = Object.entries(context);
  return {
    spec: Object.fromEntries(entries.filter(([key]) => wanted.includes(key))),
    status: Object.fromEntries(entries.filter(([key]) => !wanted.includes(key))),
  };
}
