/** What people ask of backups, and what the policy of backups proposes. Reports of nodes are in `reports.ts`. */
import type { AnyDraft } from '#events/envelope.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import { beside, homeOf, isThinnedHere, keeperOf, notReachable } from '../backup-target/known.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, startOperation, unchanged, withNamed } from '../drafting.ts';
import { reject } from '../rejection.ts';
import type { backupCommands } from './commands.ts';
import { canceled, isUnderWay, needlessSnapshot, operationsEnded, restoresOf } from './known.ts';
import { reportDecisions } from './reports.ts';
import { backUpApp, createBackup } from './requests.ts';
import { beginRestoreTest, testRestore } from './restore-tests.ts';
import { restoreBackup } from './restores.ts';

type Backup = ActorState<'backup'>;

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'backup', namespace }) as const;
const govern = () => ({ verb: 'govern', kind: 'backup' }) as const;

export const backupDecisions: Decisions<keyof typeof backupCommands> = {
  ...reportDecisions,

  'create-backup': { scope: write, decide: createBackup },
  'back-up-app': { scope: write, decide: backUpApp },
  'restore-backup': {
    scope: ({ namespace }) => ({ verb: 'write', kind: 'volume', namespace }),
    decide: restoreBackup,
  },

  'verify-backup': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'backup', ask.input, (backup) => {
        const { name, namespace } = ask.input;
        if (ask.input.restore) return testRestore(ask, backup, lab);
        if (backup.state === 'verifying') return unchanged;
        if (!['verified', 'unverified', 'damaged'].includes(backup.state))
          return reject('NOT_NOW', `Backup ${name} is ${backup.state}.`, 'Only what was written can be read back.');
        const begun = verification(backup, lab);
        return begun
          ? drafts(startOperation(ask, 'verify-backup', backup.stream, name, namespace), begun)
          : unreachable(backup, lab);
      }),
  },

  'cancel-backup': {
    scope: write,
    decide: ({ input }, lab) => withNamed(lab, 'backup', input, (backup) => cancelBackup(backup, lab)),
  },

  'remove-backup': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'backup', ask.input, (backup) => {
        const { name, namespace, forget } = ask.input;
        if (restoresOf(backup.stream, lab).length > 0)
          return reject(
            'NOT_NOW',
            `Backup ${name} is being restored.`,
            'Try again when that is done: floatlab operation ls.',
          );
        if (backup.state === 'testing')
          return reject(
            'NOT_NOW',
            `Backup ${name} is being restored as a test.`,
            'Try again when that is done: floatlab operation ls.',
          );
        if (forget) return drafts(operationsEnded(backup.stream, canceled, lab), forgotten(backup, lab));
        if (backup.state === 'removing') return unchanged;
        if (lab.get(backup.context.target)?.context.spec.foreign) {
          return reject(
            'UNSUPPORTED',
            `Backup ${name} lies in the target of another lab, which is only read here.`,
            `Forget it, and leave it where it is: floatlab backup rm ${name} --forget.`,
          );
        }
        const target = lab.get(backup.context.target);
        if (target && !isThinnedHere(target)) {
          return reject(
            'UNSUPPORTED',
            `Backup ${name} lies in a target that is append-only: this lab removes nothing there.`,
            `Forget it, and leave it where it is: floatlab backup rm ${name} --forget.`,
          );
        }
        const gone = removal(backup, 'by hand', lab);
        return gone
          ? drafts(startOperation(ask, 'remove-backup', backup.stream, name, namespace), gone)
          : unreachable(backup, lab);
      }),
  },

  /** Its snapshot has been taken, or a failed attempt is made again: on the node that has the volume now. */
  'begin-backup': {
    scope: govern,
    decide: ({ input }, lab) => {
      const backup = lab.get(input.backup);
      const snapshot = backup?.context.snapshot ? lab.get(backup.context.snapshot) : undefined;
      const node = snapshot && lab.get(snapshot.context.volume)?.context.node;
      if (!backup || !['waiting', 'failed'].includes(backup.state) || snapshot?.state !== 'available' || !node)
        return unchanged;
      const volume = lab.get(snapshot.context.volume);
      const target = lab.get(backup.context.target);
      // It may have been moved into the pool of the target since somebody asked for it.
      const problem = volume && target && beside(volume, target);
      if (problem)
        return drafts(
          draft(backup.stream, 'backup.failed', { problem, retryAt: null }),
          operationsEnded(backup.stream, problem, lab),
          needlessSnapshot(backup, lab),
        );
      return drafts(draft(backup.stream, 'backup.began', { node }));
    },
  },

  /** Without another attempt. */
  'fail-backup': {
    scope: govern,
    decide: ({ input }, lab) => {
      const backup = lab.get(input.backup);
      if (!backup || !['waiting', 'writing', 'failed'].includes(backup.state)) return unchanged;
      return drafts(
        draft(backup.stream, 'backup.failed', { problem: input.problem, retryAt: null }),
        needlessSnapshot(backup, lab),
      );
    },
  },

  'reverify-backup': {
    scope: govern,
    decide: ({ input }, lab) => {
      const backup = lab.get(input.backup);
      if (!backup || !['verified', 'unverified', 'verifying'].includes(backup.state)) return unchanged;
      return drafts(verification(backup, lab) ?? []);
    },
  },

  'begin-restore-test': { scope: govern, decide: beginRestoreTest },

  'fail-restore-test': {
    scope: govern,
    decide: ({ input: { backup: stream, problem } }, lab) => {
      const backup = lab.get(stream);
      if (backup?.state !== 'testing') return unchanged;
      return drafts(
        draft(stream, 'backup.restore-test-failed', { problem, retryAt: null }),
        operationsEnded(stream, problem, lab),
      );
    },
  },

  'expire-backups': {
    scope: govern,
    decide: ({ input }, lab) =>
      drafts(
        input.backups.flatMap(({ backup: stream, because }) => {
          const backup = lab.get(stream);
          const mayGo = ['verified', 'unverified', 'damaged', 'failed'].includes(backup?.state ?? '');
          if (!backup || backup.context.target !== input.target || !mayGo) return [];
          return restoresOf(stream, lab).length > 0 ? [] : (removal(backup, because, lab) ?? []);
        }),
      ),
  },
};

/** @returns undefined while no node can reach its target */
function verification(backup: Backup, lab: LabView): AnyDraft | undefined {
  const target = lab.get(backup.context.target);
  const volume = backup.context.volume === null ? undefined : lab.get(backup.context.volume);
  const node = target && keeperOf(target, lab, volume?.context.node);
  return node && draft(backup.stream, 'backup.verify-requested', { node });
}

/** @returns undefined while no node can reach its target */
function removal(backup: Backup, because: string, lab: LabView): readonly AnyDraft[] | undefined {
  const target = lab.get(backup.context.target);
  // A target whose home is off: it goes when that is back.
  const node = target && (keeperOf(target, lab, backup.context.node) ?? homeOf(target));
  return (
    node && [draft(backup.stream, 'backup.removal-requested', { node, because }), ...needlessSnapshot(backup, lab)]
  );
}

export const forgotten = (backup: Backup, lab: LabView): readonly AnyDraft[] => [
  draft(backup.stream, 'backup.forgotten', {}),
  ...needlessSnapshot(backup, lab),
];

function unreachable(backup: Backup, lab: LabView) {
  const target = lab.get(backup.context.target);
  return target
    ? notReachable(target)
    : reject(
        'NOT_NOW',
        `The target of backup ${backup.context.metadata.name} is gone.`,
        `Forget the backup: floatlab backup rm ${backup.context.metadata.name} --forget.`,
      );
}

/** All that were asked for together with it. */
export function cancelBackups(backup: Backup, lab: LabView): Decision {
  const { set } = backup.context;
  const others = set === null ? [] : lab.list('backup').filter(({ context }) => context.set?.id === set.id);
  const decisions = (others.length > 0 ? others.filter(isUnderWay) : [backup]).map((one) => cancelBackup(one, lab));
  return (
    decisions.find((decision) => 'rejection' in decision) ??
    drafts(decisions.flatMap((decision) => ('drafts' in decision ? decision.drafts : [])))
  );
}

/** What it has written goes again. */
function cancelBackup(backup: Backup, lab: LabView): Decision {
  const { name } = backup.context.metadata;
  if (!isUnderWay(backup))
    return reject(
      'NOT_NOW',
      `Backup ${name} is ${backup.state}: there is nothing to cancel.`,
      `To remove it: floatlab backup rm ${name}.`,
    );
  const gone = removal(backup, 'it was canceled', lab);
  return gone ? drafts(operationsEnded(backup.stream, canceled, lab), gone) : unreachable(backup, lab);
}
