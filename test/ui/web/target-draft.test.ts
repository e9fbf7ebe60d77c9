/** The form of a target: each kind is an entry, the schema of the command judges it, and secrets are never shown. */
import { describe, expect, it } from 'vitest';
import { backupTargetCommands } from '#actors/backup-target/commands.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import { changesOf, fieldsOf, policyOf, targetKinds, targetOf, type TargetKind } from '#ui/web/format/target-draft.ts';

const kind = (name: string): TargetKind => {
  const found = targetKinds.find((one) => one.kind === name);
  if (!found) throw new Error(`there is no kind ${name}`);
  return found;
};
const row: BackupTargetRow = {
  ...{ id: 'backup-target:t', name: 'cloud', state: 'ready', since: 0, createdAt: 0, where: 's3://b', home: null },
  store: { kind: 's3', endpoint: 'https://s3.example', region: 'us-east-1', bucket: 'lab', prefix: '', style: 'path' },
  ...{
    isForeign: false,
    lent: null,
    keep: '7d:1d',
    verifyEveryMs: null,
    testRestoreEveryMs: null,
    limitBytesPerSecond: 5 * 2 ** 20,
  },
  ...{ repository: null, checkedAt: 1, prunedAt: null, failures: 0, retryAt: null, problem: null, backups: 0 },
};

describe('a new target', () => {
  it('of a folder is what the command takes', () => {
    const draft = { name: 'usb', 'store.path': '/mnt/usb', 'store.node': 'atlas', keep: '7d:1d', verifyEveryMs: '30d' };
    expect(targetOf(kind('directory'), { ...draft, limitBytesPerSecond: '5MiB' })).toEqual({
      input: {
        name: 'usb',
        store: { kind: 'directory', path: '/mnt/usb', node: 'atlas' },
        ...{ keep: '7d:1d', verifyEveryMs: 30 * 86_400_000, limitBytesPerSecond: 5 * 2 ** 20 },
      },
    });
  });

  it('of a bucket needs its keys, and what is left out is left to the lab', () => {
    const draft = { name: 'cloud', 'store.endpoint': 'https://s3.example.net', 'store.bucket': 'my-lab' };
    expect(targetOf(kind('s3'), draft)).toEqual({ troubles: {} });
    expect(targetOf(kind('s3'), { ...draft, 'secrets.accessKeyId': 'A', 'secrets.secretAccessKey': 'S' })).toEqual({
      input: {
        name: 'cloud',
        store: { kind: 's3', endpoint: 'https://s3.example.net', bucket: 'my-lab' },
        secrets: { accessKeyId: 'A', secretAccessKey: 'S' },
      },
    });
  });

  it('of another pool names its node, too', () => {
    expect(targetOf(kind('pool'), { name: 'cold', store: 'atlas/slow', 'store.sizeBytes': '500GiB' })).toEqual({
      input: { name: 'cold', store: { kind: 'pool', node: 'atlas', pool: 'slow', sizeBytes: 500 * 2 ** 30 } },
    });
  });

  it('in another lab takes the fingerprint as tools show it, and needs the token', () => {
    const digits = 'AB'.repeat(32);
    const draft = {
      ...{ name: 'friend', 'store.endpoint': 'https://vega.example:7400', 'store.vault': 'for-friends' },
      'store.fingerprint': `SHA256:${digits.replaceAll(/(..)(?=.)/g, '$1:')}`,
    };
    expect(targetOf(kind('lab'), draft)).toEqual({ troubles: {} });
    expect(targetOf(kind('lab'), { ...draft, 'secrets.token': 'T', 'store.appendOnly': 'yes' })).toEqual({
      input: {
        name: 'friend',
        store: {
          ...{ kind: 'lab', endpoint: 'https://vega.example:7400', vault: 'for-friends', appendOnly: true },
          fingerprint: digits.toLowerCase(),
        },
        secrets: { token: 'T' },
      },
    });
    expect(targetOf(kind('lab'), { ...draft, 'store.fingerprint': 'AB:CD', 'secrets.token': 'T' })).toEqual({
      troubles: { 'store.fingerprint': 'Write the SHA-256 of its authority: 64 hex digits.' },
    });
  });

  it('says what is wrong at its field, and nothing of one that is still empty', () => {
    const draft = { name: 'USB', 'store.path': 'mnt/usb', keep: 'for ever', limitBytesPerSecond: 'fast' };
    const read = targetOf(kind('directory'), draft);
    expect(Object.keys('troubles' in read ? read.troubles : {}).toSorted()).toEqual(Object.keys(draft).toSorted());
    expect(targetOf(kind('directory'), {})).toEqual({ troubles: {} });
  });

  it('has no field that no command knows', () => {
    const known = JSON.stringify(Object.keys(backupTargetCommands['add-backup-target'].shape));
    for (const { fields } of targetKinds)
      for (const { path } of fields) expect(known).toContain(`"${path.split('.')[0]}"`);
    for (const one of targetKinds)
      expect(new Set(fieldsOf(one).map(({ path }) => path)).size).toBe(fieldsOf(one).length);
  });
});

describe('a change', () => {
  it('sends only what was written anew; emptied is none', () => {
    const before = policyOf(row);
    expect(changesOf(row, before)).toEqual({ input: { name: 'cloud' } });
    expect(changesOf(row, { ...before, keep: '', limitBytesPerSecond: '10MiB', verifyEveryMs: '60d' })).toEqual({
      input: { name: 'cloud', keep: '', limitBytesPerSecond: 10 * 2 ** 20, verifyEveryMs: 60 * 86_400_000 },
    });
    expect(changesOf(row, { ...before, limitBytesPerSecond: '' })).toEqual({
      input: { name: 'cloud', limitBytesPerSecond: 0 },
    });
  });

  it('shows no key, keeps those that are left empty, and takes new ones together only', () => {
    const before = policyOf(row);
    expect(Object.keys(before).filter((path) => path.startsWith('secrets'))).toEqual([]);
    expect(changesOf(row, { ...before, 'secrets.accessKeyId': 'A' })).toEqual({
      troubles: { 'secrets.secretAccessKey': 'Keys are changed together.' },
    });
    expect(changesOf(row, { ...before, 'secrets.accessKeyId': 'A', 'secrets.secretAccessKey': 'S' })).toEqual({
      input: { name: 'cloud', secrets: { accessKeyId: 'A', secretAccessKey: 'S' } },
    });
  });

  it('of a target of another lab leaves its keys alone', () => {
    const read = changesOf({ ...row, isForeign: true }, { ...policyOf(row), 'secrets.accessKeyId': 'A' });
    expect(read).toEqual({ input: { name: 'cloud' } });
  });
});
