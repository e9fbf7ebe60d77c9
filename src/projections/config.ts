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
  version: 2,
  keeps: 'table',
  apply: (rows, { event, after }) => {
    const row = after && rowOf(after);
    if (row) rows.put(event.stream, row);
    else rows.delete(event.stream);
  },
  rowOf,
  scope: (row) => ({ verb: 'read', kind: row.kind, namespace: row.metadata.namespace }),
});

function rowOf(actor: ActorState): ConfigRow | undefined {
  if (actor.final || actor.kind === 'operation') return undefined;
  const { kind, stream, version } = actor;
  const { metadata } = actor.context;
  return { apiVersion, kind, id: stream, metadata, ...split(actor), version };
}

/** Join tokens and logins of registries have rows of their own (`views/`). */
const elsewhere: readonly string[] = ['metadata', 'spec', 'tokens', 'registries'];

/** A kind with a specification of its own keeps it; of the others the few wishes are named here. */
const wishes: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  cluster: ['timeZone', 'bouncer'],
  node: ['cordoned', 'role', 'poolLimits'],
  backup: ['target', 'object', 'volume', 'volumeName', 'app', 'set', 'reason'],
  replica: ['volume', 'node', 'pool', 'manual'],
  snapshot: ['volume', 'reason', 'note', 'change', 'set'],
  transfer: ['volume', 'task'],
};

/** Key by key: this runs for every event, and copying whole contexts costs several times as much. */
function split({ kind, state, since, context, quarantined }: ActorState): Pick<ConfigRow, 'spec' | 'status'> {
  const wanted = wishes[kind] ?? [];
  const asked: Record<string, unknown> = {};
  const status: Record<string, unknown> = { state, since };
  for (const [key, value] of Object.entries(context)) {
    if (elsewhere.includes(key)) continue;
    (wanted.includes(key) ? asked : status)[key] = value;
  }
  if (quarantined !== null) status['quarantined'] = quarantined;
  return { spec: 'spec' in context ? (context.spec as unknown as ConfigRow['spec']) : asked, status };
}
