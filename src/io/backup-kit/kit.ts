/**
 * The kit: a small file that says where the backups of a lab are, and that opens them, with the recovery key that a person
 * has on paper. Whoever has the file alone sees where backups are, and can read none.
 *
 * JSON: {floatlabBackupKit, lab, madeAt, keys, targets: [{name, where, store, repository, opens}]}. `keys` is the sealed copy
 * of the lab's keys as every node has it (`pki/sealed-secrets.ts`); `opens` holds what opens a bucket, sealed in the same
 * format under a key that is derived from the data key in there.
 */
import { hkdfSync } from 'node:crypto';
import type { LabView } from '#actors/actor.ts';
import { targetSecrets, type TargetSecrets } from '#actors/backup-target/commands.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import { homeOfStore } from '#actors/backup-target/known.ts';
import { targetStore, type TargetStore } from '#events/backup-target.ts';
import { storeWords } from '#projections/backup-words.ts';
import * as z from 'zod';
import { backupKeyOf } from '../devices/backup/format/keys.ts';
import { IoError } from '../devices/error.ts';
import { formatRecoveryKey } from '../pki/recovery-key.ts';
import { unwrapSecrets, wrapSecrets } from '../pki/sealed-secrets.ts';

const format = 1;

const kitTarget = z.strictObject({
  name: z.string(),
  /** For people. */
  where: z.string(),
  store: targetStore,
  repository: z.string().nullable(),
  /** Absent where nothing but the key of the backups is needed. */
  opens: z.unknown().optional(),
});
const kit = z.strictObject({
  floatlabBackupKit: z.literal(format),
  lab: z.string(),
  madeAt: z.string(),
  keys: z.unknown(),
  targets: z.array(kitTarget).max(1000),
});

export interface KitParts {
  readonly lab: LabView;
  readonly dataKey: Uint8Array;
  /** As `tls/recovery.sealed` has it. */
  readonly sealed: Uint8Array;
  readonly nowMs: number;
  blob(address: string): Promise<Uint8Array>;
}

/** @returns the content of the file */
export async function makeKit({ lab, dataKey, sealed, nowMs, blob }: KitParts): Promise<string> {
  const targets = [];
  for (const { context } of lab.list('backup-target')) {
    const { metadata, spec, secrets, repository } = context;
    // The kit of a lab opens what that lab's key opens.
    if (spec.foreign || spec.lent) continue;
    const node = homeOfStore(spec.store);
    const home = node && lab.get(node);
    const opens = secrets === null ? {} : await seal(dataKey, await blob(secrets));
    targets.push({
      name: metadata.name,
      where: storeWords(spec.store, home?.context.metadata.name),
      ...{ store: spec.store, repository, ...opens },
    });
  }
  const name = lab.get(clusterStream)?.context.metadata.name ?? 'lab';
  const keys: unknown = JSON.parse(Buffer.from(sealed).toString('utf8'));
  const content = { floatlabBackupKit: format, lab: name, madeAt: new Date(nowMs).toISOString(), keys, targets };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const seal = async (dataKey: Uint8Array, secrets: Uint8Array): Promise<{ opens: unknown }> => {
  const sealed = wrapSecrets(kitKeyOf(dataKey), { secrets: Buffer.from(secrets).toString('utf8') });
  return { opens: JSON.parse(Buffer.from(sealed).toString('utf8')) };
};

export interface KitTarget {
  readonly name: string;
  readonly store: TargetStore;
  /** The key of the backups, and what opens the bucket. */
  readonly secrets: TargetSecrets & { readonly key: string };
}

/**
 * @param recoveryKey as a person types it. @param wanted name of a target; undefined: the only one
 * @throws RecoveryError for a key that does not open it; IoError INVALID for a file that is no kit, MISSING for a target
 *   that is not in it
 */
export function openKit(content: string, recoveryKey: string, wanted: string | undefined): KitTarget {
  const { keys, targets } = parseKit(content);
  const dataKey = new Uint8Array(Buffer.from(unwrapSecrets(recoveryKey, bytesOf(keys))['data_key'] ?? '', 'base64url'));
  if (dataKey.length !== 32) throw wrong('the sealed keys in the kit lack the data key of the lab');
  const names = targets.map(({ name }) => name).join(', ');
  const found = targets.find(({ name }) => (wanted === undefined ? targets.length === 1 : name === wanted));
  if (!found) {
    throw new IoError('MISSING', {
      op: 'attach',
      target: wanted ?? 'the target',
      message: wanted === undefined ? `the kit has several targets: ${names}` : `the kit has no target ${wanted}`,
      hint: names === '' ? 'The lab had no targets when the kit was written.' : `Name one of these: ${names}.`,
    });
  }
  const opened =
    found.opens === undefined ? '{}' : (unwrapSecrets(kitKeyOf(dataKey), bytesOf(found.opens))['secrets'] ?? '{}');
  const secrets = targetSecrets.parse(JSON.parse(opened));
  return {
    name: found.name,
    store: found.store,
    secrets: { ...secrets, key: Buffer.from(backupKeyOf(dataKey)).toString('hex') },
  };
}

function parseKit(content: string): z.infer<typeof kit> {
  let read: unknown;
  try {
    read = JSON.parse(content);
  } catch {
    throw wrong('this is no kit: it is not JSON');
  }
  const later = z.object({ floatlabBackupKit: z.int().min(format + 1) }).safeParse(read);
  if (later.success) throw wrong('this kit was written by a later version of FloatLab');
  const parsed = kit.safeParse(read);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw wrong(`this is no kit: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

const wrong = (message: string): IoError =>
  new IoError('INVALID', {
    op: 'attach',
    target: 'the kit',
    message,
    hint: 'Take the file that floatlab backup kit wrote.',
  });

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** In the letters of a recovery key, which `wrapSecrets` takes. */
const kitKeyOf = (dataKey: Uint8Array): string =>
  formatRecoveryKey(new Uint8Array(hkdfSync('sha256', dataKey, new Uint8Array(), 'floatlab backup kit', 32)));
