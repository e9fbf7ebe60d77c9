/** What a command or a view touches; what a principal may. Dispatch asks before it decides, live views before they send. */
import type { Kind, Principal } from '#events/envelope.ts';

export interface Scope {
  readonly verb: 'read' | 'write' | 'report' | 'govern';
  readonly kind: Kind;
  readonly namespace?: string;
  /** For `report`: the node whose agent alone may say so. */
  readonly node?: string;
  /** For `write`: the node that may do this to itself. */
  readonly self?: string;
}

/**
 * People read and write; agents report about their own node, and may take it out of the lab; policies govern (commands
 * that nobody gives by hand). `system` is the daemon itself while it sets the lab up or lets another node in.
 */
export function allows(by: Principal, scope: Scope): boolean {
  const [who, name] = [by.slice(0, by.indexOf(':')), by.slice(by.indexOf(':') + 1)];
  switch (who) {
    case 'system':
      return true;
    case 'user':
      return scope.verb === 'read' || scope.verb === 'write';
    case 'node':
      return (
        scope.verb === 'read' ||
        (scope.verb === 'write' && scope.self === `node:${name}`) ||
        (scope.verb === 'report' && (scope.node === undefined || scope.node === `node:${name}`))
      );
    case 'policy':
      return scope.verb !== 'report';
    default:
      return false;
  }
}
