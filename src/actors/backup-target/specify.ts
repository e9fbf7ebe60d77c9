/** A target is added, or changed: where it is, what opens it, and what is kept there. */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { TargetSpec, TargetStore } from '#events/backup-target.ts';
import { streamOf } from '#events/envelope.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import { isUnderWay } from '../backup/known.ts';
import type { Commands } from '../commands.ts';
import { draft, drafts, nameTaken, newMetadata, startOperation, systemNamespace, unchanged } from '../drafting.ts';
import { withMember } from '../node/known.ts';
import { refuseNew } from '../placement/capacity.ts';
import { reject } from '../rejection.ts';
import { homeOfStore, keeperOf } from './known.ts';

type Target = ActorState<'backup-target'>;

export function addTarget(ask: Ask<Commands['add-backup-target']>, lab: LabView): Decision {
  const { name, store, secrets, lent } = ask.input;
  if (lab.byName('backup-target', systemNamespace, name)) return nameTaken('backup-target', name);
  if (store.kind === 's3' && (secrets?.accessKeyId === undefined || secrets.secretAccessKey === undefined)) {
    return reject(
      'INVALID',
      `Backup target ${name} needs the keys of its bucket.`,
      'Give the access key and the secret access key.',
    );
  }
  const wrong = refuseKind(ask.input);
  if (wrong) return wrong;
  const add = (placed: TargetStore): Decision => {
    const stream = streamOf('backup-target', ask.id(1));
    const twin = lab.list('backup-target').find(({ context }) => isSameStore(context.spec.store, placed));
    if (twin)
      return reject(
        'NAME_TAKEN',
        `Backup target ${twin.context.metadata.name} is that place already.`,
        'Use that one.',
      );
    const spec: TargetSpec = {
      store: placed,
      ...pickSet(ask.input),
      ...(lent === undefined ? {} : { lent }),
      ...(secrets?.key === undefined ? {} : { foreign: true as const }),
    };
    const node = homeOfStore(placed) ?? lab.list('node').find(({ state }) => state === 'up')?.stream;
    return drafts(
      startOperation(ask, 'add-backup-target', stream, name, systemNamespace),
      draft(stream, 'backup-target.added', {
        metadata: newMetadata(ask.id(1), name, systemNamespace),
        spec,
        ...(secrets === undefined ? {} : { secrets: kept(ask, secrets) }),
      }),
      node === undefined ? [] : draft(stream, 'backup-target.check-requested', { node }),
    );
  };
  if (store.kind === 's3') return add(store);
  if (store.kind === 'lab') {
    const { appendOnly, ...where } = store;
    return add({ ...where, ...(appendOnly ? { appendOnly } : {}) });
  }
  if (store.kind === 'pool') return inPool(store, name, lab, add);
  const { node, ...rest } = store;
  return node === undefined ? add(rest) : withMember(lab, node, (member) => add({ ...rest, node: member.stream }));
}

function refuseKind(asked: Commands['add-backup-target']): ReturnType<typeof reject> | undefined {
  const { name, store, secrets, lent, keep } = asked;
  if (store.kind === 'lab' && secrets?.token === undefined)
    return reject('INVALID', `Backup target ${name} needs the token of the lab that lends it.`, 'Give that token.');
  if (store.kind === 'lab' && store.appendOnly && keep !== undefined) {
    return reject(
      'INVALID',
      `Backup target ${name} is append-only: nothing is removed there from here.`,
      'Leave the retention out; the lab that lends it can allow it to delete.',
    );
  }
  if (lent && (store.kind === 's3' || store.kind === 'lab' || secrets !== undefined))
    return reject('INVALID', `Backup target ${name} cannot be lent: only a folder or a pool can.`);
  if (lent && keep !== undefined)
    return reject('INVALID', `Backup target ${name} is lent: the lab that uses it says what it keeps.`);
  return undefined;
}

type PoolAsked = Extract<Commands['add-backup-target']['store'], { readonly kind: 'pool' }>;

function inPool(asked: PoolAsked, name: string, lab: LabView, add: (store: TargetStore) => Decision): Decision {
  return withMember(lab, asked.node, ({ stream: node, context: { facts } }) => {
    const { pool, sizeBytes } = asked;
    if (!facts.pools.some((one) => one.name === pool)) {
      const names = facts.pools.map((one) => one.name).join(', ');
      return reject(
        'NOT_FOUND',
        `Node ${asked.node} has no pool ${pool}.`,
        names === '' ? 'floatlab pool ls shows what is there.' : `It has ${names}.`,
      );
    }
    const store = { kind: 'pool' as const, node, pool, dataset: `backups-${name}`.slice(0, 62), sizeBytes };
    return refuseNew(`backup target ${name}`, sizeBytes, store, lab) ?? add(store);
  });
}

/** A blob is encrypted, and on the voters; the log carries its address. */
const kept = (ask: Ask<unknown>, secrets: object): string => ask.blob(utf8ToBytes(JSON.stringify(secrets)));

function isSameStore(a: TargetStore, b: TargetStore): boolean {
  if (a.kind === 'pool') return b.kind === 'pool' && a.node === b.node && a.pool === b.pool && a.dataset === b.dataset;
  if (a.kind === 'lab') return b.kind === 'lab' && a.fingerprint === b.fingerprint && a.vault === b.vault;
  if (a.kind === 'directory')
    return b.kind === 'directory' && a.path === b.path && (a.node === b.node || !a.node || !b.node);
  return (
    a.kind === 's3' && b.kind === 's3' && a.endpoint === b.endpoint && a.bucket === b.bucket && a.prefix === b.prefix
  );
}

export function changeTarget(ask: Ask<Commands['change-backup-target']>, target: Target, lab: LabView): Decision {
  const { keep, verifyEveryMs, testRestoreEveryMs, limitBytesPerSecond, secrets, sizeBytes, lent } = ask.input;
  const { kind } = target.context.spec.store;
  if (secrets && kind !== 's3' && kind !== 'lab')
    return reject('INVALID', `Backup target ${ask.input.name} is a folder: it has no keys.`);
  if (secrets && (kind === 'lab') !== (secrets.token !== undefined)) {
    const what = kind === 'lab' ? 'a token' : 'keys';
    return reject('INVALID', `Backup target ${ask.input.name} has ${what}, and nothing else.`);
  }
  if (lent && !target.context.spec.lent)
    return reject('INVALID', `Backup target ${ask.input.name} is not lent to anybody.`);
  if (secrets && target.context.spec.foreign) {
    return reject(
      'UNSUPPORTED',
      'The keys of a target of another lab are not changed.',
      'Remove the target and add it again; what lies there stays.',
    );
  }
  const busy = lab.referrers(target.stream, 'backup').find((backup) => isUnderWay(backup));
  if (secrets && (target.state === 'checking' || target.state === 'pruning' || busy))
    return reject('NOT_NOW', `Backup target ${ask.input.name} is in use.`, 'Try again when its work is done.');
  const before = target.context.spec;
  const store = resized(ask.input.name, before.store, sizeBytes, lab);
  if ('rejected' in store) return store;
  const { keep: _k, verifyEveryMs: _v, testRestoreEveryMs: _t, limitBytesPerSecond: _l, ...fixed } = before;
  const rest = { ...fixed, store, ...(fixed.lent ? { lent: { ...fixed.lent, ...lent } } : {}) };
  const spec: TargetSpec = {
    ...rest,
    ...chosen('keep', keep, before.keep, ''),
    ...chosen('verifyEveryMs', verifyEveryMs, before.verifyEveryMs, 0),
    ...chosen('testRestoreEveryMs', testRestoreEveryMs, before.testRestoreEveryMs, 0),
    ...chosen('limitBytesPerSecond', limitBytesPerSecond, before.limitBytesPerSecond, 0),
  };
  if (!secrets && JSON.stringify(spec) === JSON.stringify({ ...fixed, ...pickSet(before) })) return unchanged;
  const address = secrets ? kept(ask, secrets) : target.context.secrets;
  const node = keeperOf(target, lab);
  return drafts(
    draft(target.stream, 'backup-target.changed', { spec, ...(address === null ? {} : { secrets: address }) }),
    node === undefined ? [] : draft(target.stream, 'backup-target.check-requested', { node }),
  );
}

function resized(
  name: string,
  store: TargetStore,
  sizeBytes: number | undefined,
  lab: LabView,
): TargetStore | ReturnType<typeof reject> {
  if (sizeBytes === undefined) return store;
  if (store.kind !== 'pool')
    return reject('INVALID', `Backup target ${name} is not in a pool: it has no size.`, 'Leave the size out.');
  const moreBytes = sizeBytes - store.sizeBytes;
  const refused = moreBytes > 0 ? refuseNew(`backup target ${name}`, moreBytes, store, lab) : undefined;
  return refused ?? { ...store, sizeBytes };
}

type Policy = Pick<TargetSpec, 'keep' | 'verifyEveryMs' | 'testRestoreEveryMs' | 'limitBytesPerSecond'>;

const pickSet = ({ keep, verifyEveryMs, testRestoreEveryMs, limitBytesPerSecond }: Policy): Policy => ({
  ...(keep === undefined ? {} : { keep }),
  ...(verifyEveryMs === undefined ? {} : { verifyEveryMs }),
  ...(testRestoreEveryMs === undefined ? {} : { testRestoreEveryMs }),
  ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
});

/** What is not said stays; `none` takes it away. */
function chosen<K extends keyof Policy>(
  key: K,
  asked: TargetSpec[K] | '' | 0 | undefined,
  before: TargetSpec[K] | undefined,
  none: '' | 0,
): Partial<TargetSpec> {
  const value = asked === undefined ? before : asked === none ? undefined : asked;
  return value === undefined ? {} : { [key]: value };
}
