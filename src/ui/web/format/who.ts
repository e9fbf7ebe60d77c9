/** Who did something, and what a command is called: the words of principals and operations. */
import { askedFor, doing } from '#projections/operation-words.ts';

export interface Who {
  readonly kind: 'person' | 'node' | 'policy' | 'system';
  readonly name: string;
}

/** @param nodeName finds the name of a node by its id, `node:…` */
export function whoOf(by: string, nodeName: (id: string) => string | undefined = () => undefined): Who {
  const at = by.indexOf(':');
  const [kind, name] = [by.slice(0, at), by.slice(at + 1)];
  switch (kind) {
    case 'user':
      return { kind: 'person', name };
    case 'node':
      return { kind: 'node', name: nodeName(by) ?? nodeName(`node:${name}`) ?? 'a node' };
    case 'policy':
      return { kind: 'policy', name: `${name} policy` };
    default:
      return { kind: 'system', name: 'FloatLab' };
  }
}

/** `Deploying app photos` while it runs, `Deploy app photos` after. */
export function operationTitle(row: {
  readonly command: string;
  readonly targetName: string;
  readonly state: string;
}): string {
  if (row.state === 'running') return doing(row.command, row.targetName);
  const asked = askedFor(row.command, row.targetName);
  return `${asked.slice(0, 1).toUpperCase()}${asked.slice(1)}`;
}

/** How far the pieces of work of one operation are together, 0 to 1; undefined when none of them counts. */
export function progressOf(
  work: readonly { readonly done?: number | undefined; readonly total?: number | undefined }[],
): number | undefined {
  const counted = work.filter(({ done, total }) => done !== undefined && total !== undefined && total > 0);
  if (counted.length === 0) return undefined;
  const share = counted.reduce((sum, { done = 0, total = 1 }) => sum + Math.min(1, done / total), 0);
  return share / Math.max(counted.length, 1);
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** `1 app`, `3 apps` */
export const count = (n: number, noun: string): string => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
