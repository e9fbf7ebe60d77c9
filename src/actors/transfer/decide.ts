import { idOf, streamOf, type StreamId } from '#events/envelope.ts';
import type { TransferTask } from '#events/transfer.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, startOperation, unchanged, withNamed, withVisit } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { freeName, requestSnapshot } from '../snapshot/request.ts';
import { userOf } from '../volume/actor.ts';
import type { transferCommands } from './commands.ts';
import { snapshotOf } from './machine.ts';
import { beingTransferred, canceled, failedDrafts, needless } from './under-way.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'volume', namespace }) as const;
const govern = () => ({ verb: 'govern', kind: 'transfer' }) as const;
const reported = ({ transfer }: { transfer: StreamId<'transfer'> }, lab: LabView) => {
  const volume = lab.get(transfer)?.context.volume;
  return { verb: 'report', kind: 'transfer', node: (volume && lab.get(volume)?.context.node) ?? 'node:' } as const;
};

export const transferDecisions: Decisions<keyof typeof transferCommands> = {
  'restore-files': { scope: write, decide: restoreFiles },
  'export-volume': { scope: write, decide: exportVolume },
  'import-volume': { scope: write, decide: importVolume },

  /** The snapshot that it reads has been taken; or the volume is there into which a backup comes. */
  'begin-transfer': {
    scope: govern,
    decide: ({ input }, lab) => {
      const transfer = lab.get(input.transfer);
      const snapshot = transfer && snapshotOf(transfer.context);
      if (transfer?.state === 'waiting' && transfer.context.task.do === 'import') {
        const volume = lab.get(transfer.context.volume);
        if (volume?.state !== 'ready') return unchanged;
        return drafts(draft(volume.stream, 'volume.import-began', {}), draft(input.transfer, 'transfer.began', {}));
      }
      if (transfer?.state !== 'waiting' || (snapshot && lab.get(snapshot)?.state !== 'available')) return unchanged;
      return drafts(draft(input.transfer, 'transfer.began', {}));
    },
  },

  'fail-transfer': {
    scope: govern,
    decide: ({ input }, lab) => {
      const transfer = lab.get(input.transfer);
      return transfer ? drafts(failedDrafts(transfer, input.problem, lab)) : unchanged;
    },
  },

  'report-transfer-finished': {
    scope: reported,
    decide: (ask, lab) =>
      withVisit(lab, ask.input.transfer, ask.input.visit, (transfer) =>
        drafts(
          outcome(ask, transfer, lab),
          draft(transfer.stream, 'transfer.finished', counted(ask.input)),
          needless(transfer, lab),
        ),
      ),
  },

  'report-transfer-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.transfer, input.visit, (transfer) => {
        const isCanceled = transfer.state === 'canceling' && input.problem.code === 'ABORTED';
        return drafts(failedDrafts(transfer, isCanceled ? canceled : input.problem, lab));
      }),
  },
};

function restoreFiles(ask: Ask<Commands['restore-files']>, lab: LabView): Decision {
  return withNamed(lab, 'volume', ask.input, (volume) => {
    const { snapshot: wanted, paths, to, overwrite } = ask.input;
    const refused = notReady(volume);
    if (refused) return refused;
    const snapshot = snapshotNamed(volume, wanted, lab);
    if (!snapshot) return noSnapshot(ask.input.name, wanted);
    const names = [...new Set(paths)];
    const within = names.find((path) => names.some((other) => path.startsWith(`${other}/`)));
    if (within !== undefined)
      return reject('INVALID', `${within} is named, and so is the folder that it is in.`, 'Name one of them.');
    const plan = { snapshot: snapshot.stream, paths: names, overwrite };
    const task = { do: 'restore' as const, ...plan, ...(to === undefined ? {} : { to }) };
    return drafts(requested(ask, 'restore-files', volume, task), draft(transferOf(ask), 'transfer.began', {}));
  });
}

function exportVolume(ask: Ask<Commands['export-volume']>, lab: LabView): Decision {
  return withNamed(lab, 'volume', ask.input, (volume) => {
    const { snapshot: wanted, name } = ask.input;
    const refused = notReady(volume);
    if (refused) return refused;
    const known = wanted === undefined ? undefined : snapshotNamed(volume, wanted, lab);
    if (wanted !== undefined && !known) return noSnapshot(name, wanted);
    const snapshot = known?.stream ?? streamOf('snapshot', ask.id(2));
    return drafts(
      known ? [] : requestSnapshot(volume, ask.id(2), ask.now, 'export', lab),
      requested(ask, 'export-volume', volume, { do: 'export', snapshot }),
      known ? draft(transferOf(ask), 'transfer.began', {}) : [],
    );
  });
}

function importVolume(ask: Ask<Commands['import-volume']>, lab: LabView): Decision {
  return withNamed(lab, 'volume', ask.input, (volume) => {
    const { name, replace } = ask.input;
    const user = userOf(volume.stream, lab)?.context.app;
    if (user) {
      const app = lab.get(user)?.context.metadata.name ?? 'an app';
      return reject(
        'VOLUME_IN_USE',
        `Volume ${name} is in use by ${app}.`,
        `Stop the app first: floatlab app stop ${app}.`,
      );
    }
    const refused = notReady(volume) ?? beingTransferred(volume, lab);
    if (refused) return refused;
    const before = freeName(ask.now, [volume.stream], lab);
    return drafts(
      requested(ask, 'import-volume', volume, { do: 'import', replace, before }),
      draft(volume.stream, 'volume.import-began', {}),
      draft(transferOf(ask), 'transfer.began', {}),
    );
  });
}

const transferOf = (ask: Ask<unknown>): StreamId<'transfer'> => streamOf('transfer', ask.id(1));

function requested(
  ask: Ask<{ readonly name: string; readonly namespace: string }>,
  command: string,
  volume: ActorState<'volume'>,
  task: TransferTask,
) {
  const stream = transferOf(ask);
  const { name, namespace } = ask.input;
  const metadata = newMetadata(ask.id(1), `transfer-${idOf(stream)}`, namespace);
  return [
    draft(stream, 'transfer.requested', { metadata, volume: volume.stream, task }),
    startOperation(ask, command, stream, name, namespace),
  ];
}

const counted = ({ files, bytes, skipped, written }: Commands['report-transfer-finished']) => ({
  bytes,
  ...(files === undefined ? {} : { files }),
  ...(skipped === undefined || skipped === 0 ? {} : { skipped }),
  ...(written === undefined ? {} : { written }),
});

/** What has become of the volume: in its own history, too. */
function outcome(ask: Ask<Commands['report-transfer-finished']>, transfer: ActorState<'transfer'>, lab: LabView) {
  const { volume, task } = transfer.context;
  const { files = 0, bytes, before } = ask.input;
  const snapshot = snapshotOf(transfer.context);
  const from = (snapshot && lab.get(snapshot)?.context.metadata.name) ?? '';
  switch (task.do) {
    case 'restore': {
      const paths = (ask.input.written ?? []).map(({ as }) => as);
      return [draft(volume, 'volume.files-restored', { snapshot: from, paths, files, bytes })];
    }
    case 'export':
      return [draft(volume, 'volume.exported', { snapshot: from, bytes })];
    case 'import': {
      const actor = lab.get(volume);
      const imported = draft(volume, 'volume.imported', { files, bytes });
      if (!actor || !before) return [imported];
      const note = task.replace ? 'what an import replaced' : 'before an import';
      const kept = requestSnapshot(actor, ask.id(0), ask.now, 'import', lab, { name: task.before, note });
      return [
        imported,
        kept,
        draft(kept.stream, 'snapshot.taken', before),
        // It was empty: there is nothing to go back to.
        ...(task.replace
          ? []
          : [draft(kept.stream, 'snapshot.removal-requested', { because: 'the volume was empty before the import' })]),
      ];
    }
  }
}

const notReady = ({ state, context }: ActorState<'volume'>) =>
  state === 'ready'
    ? undefined
    : reject('NOT_NOW', `Volume ${context.metadata.name} is ${state}.`, 'This needs a volume that is ready.');

const snapshotNamed = (volume: ActorState<'volume'>, wanted: string, lab: LabView) =>
  lab
    .referrers(volume.stream, 'snapshot')
    .find(({ state, context }) => state === 'available' && context.metadata.name === wanted);

const noSnapshot = (volume: string, snapshot: string) =>
  reject(
    'NOT_FOUND',
    `Volume ${volume} has no snapshot ${snapshot}.`,
    `floatlab volume snapshots ${volume} shows what there is.`,
  );
