/** What is under way can be called off where there is a way back: whoever does it knows that way. */
import { kindOf, streamOf, type StreamId } from '#events/envelope.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import { cancelBackups } from '../backup/decide.ts';
import type { Decisions } from '../commands.ts';
import { defaultNamespace } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { cancelTransfer } from '../transfer/under-way.ts';
import { cancelHandover } from '../volume/handover.ts';
import { cancelRollback } from '../volume/rollback.ts';

type Operation = ActorState<'operation'>;

export const cancelDecisions: Decisions<'cancel-operation'> = {
  'cancel-operation': {
    scope: ({ id }, lab) => {
      const { target, metadata } = operationCalled(id, lab)?.context ?? {};
      const kind = target && kindOf(target) === 'backup' ? 'backup' : 'volume';
      return { verb: 'write', kind, namespace: metadata?.namespace ?? defaultNamespace };
    },
    decide: (ask, lab) => {
      const { id } = ask.input;
      const operation = operationCalled(id, lab);
      if (operation?.state === 'running') return wayBack(ask, operation, lab);
      return reject(
        'NOT_FOUND',
        `There is no operation ${id} that runs.`,
        'floatlab operation ls shows what there is; what has ended cannot be canceled.',
      );
    },
  },
};

function wayBack(ask: Ask<unknown>, operation: Operation, lab: LabView): Decision {
  const { target, metadata, command } = operation.context;
  const rolledBack = command === 'rollback-volume' ? rolledBackBy(operation, lab) : undefined;
  if (rolledBack) return cancelRollback(ask, rolledBack, lab);
  switch (kindOf(target)) {
    case 'transfer': {
      const transfer = lab.get(target as StreamId<'transfer'>);
      if (transfer) return cancelTransfer(transfer, lab);
      break;
    }
    case 'volume': {
      const volume = lab.get(target as StreamId<'volume'>);
      if (command === 'move-volume' && volume?.context.handover) return cancelHandover(volume, lab);
      break;
    }
    case 'app': {
      const going = lab.referrers(target, 'volume').find(({ context }) => context.handover !== null);
      if (command === 'move-app' && going) return cancelHandover(going, lab);
      break;
    }
    case 'backup': {
      const backup = lab.get(target as StreamId<'backup'>);
      if (backup && ['create-backup', 'back-up-app'].includes(command)) return cancelBackups(backup, lab);
      break;
    }
    default:
  }
  return reject(
    'UNSUPPORTED',
    `Operation ${metadata.name} (${command}) cannot be canceled.`,
    'Restores, exports, imports, backups that are being made, roll-backs and moves to another node can.',
  );
}

/** Of a volume that an app uses the operation is done when the app runs again: the app is its target. */
function rolledBackBy({ context: { target, targetName } }: Operation, lab: LabView): ActorState<'volume'> | undefined {
  if (kindOf(target) === 'volume') return lab.get(target as StreamId<'volume'>);
  const under = lab.referrers(target, 'volume').filter(({ context }) => context.rollback !== null);
  return under.length === 1 ? under[0] : under.find(({ context }) => context.metadata.name === targetName);
}

/** As people name it, `op-7kq2wxyz`, or by its id. */
const operationCalled = (id: string, lab: LabView): Operation | undefined =>
  lab.get(streamOf('operation', id.replace(/^operation:/, ''))) ??
  lab.list('operation').find(({ context }) => context.metadata.name === id);
