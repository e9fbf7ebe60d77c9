/** Asking another node for what is there: which one it is, and what its failure means for whoever asked here. */
import { streamOf } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import { IoError, ioErrorCodes, type IoErrorCode } from '../devices/error.ts';

/** The node that was asked, as the lab knows it. */
export interface Asked {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

/** @param node its id */
export function whoIs(lab: LabView, node: string): Asked {
  const known = lab.get(streamOf('node', node));
  return { id: node, name: known?.context.metadata.name ?? node, state: known?.state ?? 'gone' };
}

/** What the other node threw, or why it could not be asked. Links know a node by its id; people do by its name. */
export function asIoError(error: unknown, op: string, { id: node, name, state }: Asked): IoError {
  if (error instanceof IoError) return error;
  const { code, message, hint } = error as { code?: unknown; message?: unknown; hint?: unknown };
  const known = typeof code === 'string' && Object.hasOwn(ioErrorCodes, code) ? (code as IoErrorCode) : undefined;
  const said = String(message).replaceAll(node, name);
  if (known !== undefined) {
    return new IoError(known, {
      op,
      target: name,
      message: said,
      ...(typeof hint === 'string' ? { hint } : {}),
      cause: error,
    });
  }
  const away: Readonly<Record<string, string>> = { down: 'is down', stopped: 'was stopped on purpose' };
  const why = away[state];
  return new IoError('ENGINE_UNREACHABLE', {
    op,
    target: name,
    message:
      why === undefined
        ? `Node ${name} cannot be asked: ${said}`
        : `Node ${name} ${why}: what is there is out of reach.`,
    hint:
      why === undefined ? 'Is the node up? See: floatlab node ls' : `Bring ${name} back: npm start on that machine.`,
    cause: error,
  });
}
