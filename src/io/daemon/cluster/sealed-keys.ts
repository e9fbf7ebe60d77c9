/**
 * The keys of a lab out of their sealed copy, with the recovery key that a person has on paper: for a restore, and for a
 * recovery on a node that does not hold the key of the authority.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../../devices/error.ts';
import { isPair } from '../../pki/ca.ts';
import { RecoveryError } from '../../pki/recovery-key.ts';
import { unwrapSecrets } from '../../pki/sealed-secrets.ts';
import { isThere, replaceFile } from '../../stores/files.ts';
import { authorityOf, keepAuthorityKey, sealedRecovery, tlsDirOf } from './keys.ts';

export interface Paper {
  /**
   * The recovery key as a person types it. Asked again when it has a slip in it, unless that is of no use.
   * @throws IoError INVALID where nobody can be asked
   */
  recoveryKey(): Promise<{ readonly typed: string; readonly canTryAgain: boolean }>;
  say(line: string): void;
}

export interface LabKeys {
  readonly caKey: string;
  readonly caCert: string;
  readonly dataKey: Uint8Array;
}

const mostTries = 3;

/**
 * @param op for messages: `recover`, `restore`
 * @throws RecoveryError for a key or a copy that is not good, IoError DAMAGED for one that lacks the authority
 */
export async function unseal(op: string, sealed: Uint8Array, { recoveryKey, say }: Paper): Promise<LabKeys> {
  for (let tries = 1; ; tries++) {
    const { typed, canTryAgain } = await recoveryKey();
    try {
      const secrets = unwrapSecrets(typed, sealed);
      const of = (name: string): string => secrets[name] ?? '';
      const keys = {
        caKey: of('ca.key'),
        caCert: of('ca.crt'),
        dataKey: bytes(of('data_key')),
      };
      if (isPair({ cert: keys.caCert, key: keys.caKey })) return keys;
      throw refusal(op, 'DAMAGED', 'the sealed keys lack the authority of the lab', 'Take another copy of them.');
    } catch (error) {
      const isSlip = error instanceof RecoveryError && ['CUT_SHORT', 'MISTYPED', 'WRONG_KEY'].includes(error.code);
      if (!isSlip || !canTryAgain || tries >= mostTries) throw error;
      say(`${error.message}. ${error.hint}`);
    }
  }
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));

/**
 * Of a node that does not vote, or that had not fetched the key yet. Nothing is written.
 * @returns undefined where the node holds the authority's key, and nobody has to be asked
 * @throws RecoveryError, IoError MISSING, DAMAGED, PERMISSION, INVALID
 */
export async function unsealAuthority(dataDir: string, paper: Paper): Promise<LabKeys | undefined> {
  if (await authorityOf(dataDir)) return undefined;
  const sealed = await sealedRecovery(dataDir);
  if (!sealed) {
    throw refusal(
      'recover',
      'MISSING',
      `this node holds neither the key of the lab's authority nor a sealed copy of it (${tlsDirOf(dataDir)}/recovery.sealed): no machine could join the lab any more`,
      'Recover on a node that voted. Or put that file there, from another node or from a snapshot of the lab (tar -xf FILE tls/recovery.sealed), with mode 600. Nothing was changed.',
    );
  }
  paper.say(
    "Only nodes that vote hold the key of the lab's authority, and this one has none: the lab's recovery key opens the sealed copy of it.",
  );
  const keys = await unseal('recover', sealed, paper);
  const cert = await knownCertificate(dataDir);
  if (cert === undefined || isPair({ cert, key: keys.caKey })) return keys;
  throw refusal(
    'recover',
    'DAMAGED',
    `the sealed keys are not those of the authority that this node knows (${tlsDirOf(dataDir)}/ca.crt)`,
    'Put back tls/recovery.sealed and tls/ca.crt of one and the same lab, from another node or a backup. Nothing was changed.',
  );
}

/** The certificate stays as it is: it may be a later one of the same key. Durable once resolved; may be done again. */
export async function keepAuthority(dataDir: string, { caCert, caKey }: LabKeys): Promise<void> {
  const path = join(tlsDirOf(dataDir), 'ca.crt');
  if (!(await isThere(path))) await replaceFile(path, Buffer.from(caCert), { mode: 0o644 });
  await keepAuthorityKey(dataDir, caKey);
}

const knownCertificate = (dataDir: string): Promise<string | undefined> =>
  readFile(join(tlsDirOf(dataDir), 'ca.crt'), 'utf8').catch((error: unknown) => {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  });

const refusal = (op: string, code: 'MISSING' | 'DAMAGED', message: string, hint: string): IoError =>
  new IoError(code, { op, target: 'this machine', message, hint });
