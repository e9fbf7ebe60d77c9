/** Who may say what of a volume: people with the right to write, the lab itself, and the node that has it. */
import type { LabView } from '../actor.ts';

export const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'volume', namespace }) as const;

export const govern = () => ({ verb: 'govern', kind: 'volume' }) as const;

export const reported = ({ volume }: { volume: `volume:${string}` }, lab: LabView) =>
  ({ verb: 'report', kind: 'volume', node: lab.get(volume)?.context.node ?? 'node:' }) as const;
