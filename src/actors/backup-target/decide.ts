/** Where backups go: adding and forgetting targets, looking at them, pruning; and what their nodes say. */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { forgotten } from '../backup/decide.ts';
import { freeBackupName } from '../backup/requests.ts';
import { operationsEnded, restoresOf } from '../backup/known.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, startOperation, systemNamespace, unchanged, withVisit } from '../drafting.ts';
import { reject } from '../rejection.ts';
import type { backupTargetCommands } from './commands.ts';
import { addTarget, changeTarget } from './specify.ts';
import { backoffOf, isThinnedHere, keeperOf, notReachable, waitsForPerson, withTarget } from './known.ts';

type Target = ActorState<'backup-target'>;

const write = () => ({ verb: 'write', kind: 'backup-target', namespace: systemNamespace }) as const;
const govern = () => ({ verb: 'govern', kind: 'backup-target' }) as const;
const reported = ({ target }: { target: StreamId<'backup-target'> }, lab: LabView) =>
  ({ verb: 'report', kind: 'backup-target', node: lab.get(target)?.context.node ?? 'node:' }) as const;

export const backupTargetDecisions: Decisions<keyof typeof backupTargetCommands> = {
  'add-backup-target': { scope: write, decide: addTarget },

  'change-backup-target': {
    scope: write,
    decide: (ask, lab) => withTarget(lab, ask.input.name, (target) => changeTarget(ask, target, lab)),
  },

  'test-backup-target': {
    scope: write,
    decide: (ask, lab) =>
      withTarget(lab, ask.input.name, (target) => {
        if (target.state === 'checking' || target.state === 'pruning') return unchanged;
        const node = keeperOf(target, lab);
        if (node === undefined) return notReachable(target);
        return drafts(
          operation(ask, 'test-backup-target', target),
          draft(target.stream, 'backup-target.check-requested', { node }),
        );
      }),
  },

  'prune-backup-target': {
    scope: write,
    decide: (ask, lab) =>
      withTarget(lab, ask.input.name, (target) => {
        const { name } = ask.input;
        if (target.state === 'pruning') return unchanged;
        if (!isThinnedHere(target)) {
          return reject(
            'UNSUPPORTED',
            `Nothing is removed from backup target ${name} by this lab.`,
            'It belongs to another lab, is lent to one, or is append-only.',
          );
        }
        if (target.state !== 'ready') {
          return reject(
            'NOT_NOW',
            `Backup target ${name} is ${target.state}.`,
            `See: floatlab backup target test ${name}.`,
          );
        }
        const node = keeperOf(target, lab);
        if (node === undefined) return notReachable(target);
        return drafts(
          operation(ask, 'prune-backup-target', target),
          draft(target.stream, 'backup-target.prune-requested', { node }),
        );
      }),
  },

  'remove-backup-target': {
    scope: write,
    decide: ({ input }, lab) =>
      withTarget(lab, input.name, (target) => {
        const backups = lab.referrers(target.stream, 'backup');
        const restoring = backups.find(
          ({ stream, state }) => state === 'testing' || restoresOf(stream, lab).length > 0,
        );
        if (restoring) {
          return reject(
            'NOT_NOW',
            `Backup ${restoring.context.metadata.name} is being restored from ${input.name}.`,
            'Try again when that is done: floatlab operation ls.',
          );
        }
        const schedules = lab.list('schedule').filter(({ context }) => context.spec.target === target.stream);
        const [first] = schedules;
        if (first) {
          return reject(
            'NOT_NOW',
            `Schedule ${first.context.metadata.name} makes backups to ${input.name}.`,
            first.context.app === null
              ? `Remove it first: floatlab schedule rm ${first.context.metadata.name}.`
              : 'Remove `backup` from the compose file of its app first.',
          );
        }
        const problem = { code: 'CANCELED', message: `Backup target ${input.name} was removed.` };
        const ended = backups.flatMap((backup) => [
          ...operationsEnded(backup.stream, problem, lab),
          ...forgotten(backup, lab),
        ]);
        return {
          drafts: [...ended, draft(target.stream, 'backup-target.removed', {})],
          changes:
            backups.length === 0
              ? []
              : [`The lab forgets ${backups.length} backups in ${input.name}; what lies there stays as it is.`],
        };
      }),
  },

  /** What failed is tried again, or another node takes over. */
  'recheck-backup-target': {
    scope: govern,
    decide: ({ input }, lab) => {
      const target = lab.get(input.target);
      const node = target && keeperOf(target, lab);
      if (!target || node === undefined) return unchanged;
      return drafts(draft(target.stream, 'backup-target.check-requested', { node }));
    },
  },

  'begin-prune': {
    scope: govern,
    decide: ({ input }, lab) => {
      const target = lab.get(input.target);
      const node = target && keeperOf(target, lab);
      if (target?.state !== 'ready' || !isThinnedHere(target) || node === undefined) return unchanged;
      return drafts(draft(target.stream, 'backup-target.prune-requested', { node }));
    },
  },

  'report-backup-target-checked': {
    scope: reported,
    decide: (ask, lab) =>
      withVisit(lab, ask.input.target, ask.input.visit, (target) =>
        drafts(
          draft(target.stream, 'backup-target.checked', {
            ...(ask.input.repository === undefined ? {} : { repository: ask.input.repository }),
            backups: ask.input.backups,
          }),
        ),
      ),
  },

  'report-backups-found': {
    scope: reported,
    decide: (ask, lab) =>
      withVisit(lab, ask.input.target, ask.input.visit, (target) => drafts(found(ask, target, lab))),
  },

  'report-backup-target-check-failed': {
    scope: reported,
    decide: ({ input: { target: stream, visit, problem }, now }, lab) =>
      withVisit(lab, stream, visit, (target) =>
        drafts(draft(stream, 'backup-target.check-failed', { problem, retryAt: retryOf(target, problem.code, now) })),
      ),
  },

  'report-backup-target-pruned': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.target, input.visit, ({ stream }) => {
        const { target: _, visit: __, ...told } = input;
        return drafts(draft(stream, 'backup-target.pruned', told));
      }),
  },

  'report-backup-target-prune-failed': {
    scope: reported,
    decide: ({ input: { target: stream, visit, problem }, now }, lab) =>
      withVisit(lab, stream, visit, (target) =>
        drafts(draft(stream, 'backup-target.prune-failed', { problem, retryAt: retryOf(target, problem.code, now) })),
      ),
  },
};

const retryOf = ({ stream, context }: Target, code: string, now: number): number | null =>
  waitsForPerson(code) ? null : now + backoffOf(stream, context.failures + 1);

const operation = (ask: Ask<{ readonly name: string }>, command: string, { stream }: Target): AnyDraft =>
  startOperation(ask, command, stream, ask.input.name, systemNamespace);

/** Backups that are there, and that this lab does not know. */
function found(ask: Ask<Commands['report-backups-found']>, target: Target, lab: LabView): readonly AnyDraft[] {
  const known = new Set(lab.referrers(target.stream, 'backup').map(({ context }) => context.object));
  const taken = new Set<string>();
  return ask.input.found
    .filter(({ object }) => !known.has(object))
    .flatMap(({ namespace, ...of }, n) => {
      const id = ask.id(n);
      const at = new Date(of.takenAt).toISOString();
      const when = `${at.slice(0, 10)}-${at.slice(11, 13)}${at.slice(14, 16)}-${at.slice(17, 19)}`;
      const stream = streamOf('backup', id);
      const where = lab.byName('namespace', systemNamespace, namespace) ? namespace : 'default';
      const metadata = newMetadata(id, freeBackupName(of.volumeName, when, where, lab, taken), where);
      const node = target.context.node;
      return [
        draft(stream, 'backup.found', { metadata, target: target.stream, ...of }),
        // Whether it can be restored is to be known before somebody needs it.
        ...(node === null || target.context.spec.foreign ? [] : [draft(stream, 'backup.verify-requested', { node })]),
      ];
    });
}
