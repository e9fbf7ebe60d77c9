/**
 * One route of the API, and four short ways to write one down.
 *
 * A route runs a command, reads a view (its rows, or the one row that its path names), or is one of the few `special`
 * ones, whose handlers are written by hand.
 */
import type { CommandName } from '#actors/commands.ts';
import type { ViewName } from '#projections/registry.ts';
import type * as z from 'zod';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export type RouteAction =
  | {
      readonly command: CommandName;
      /** Path parameters by the names of the command's fields. */ readonly long: boolean;
    }
  | {
      readonly view: ViewName;
      /** One row, found by the path's parameters. */ readonly one: boolean;
      readonly filters: readonly string[];
    }
  | {
      readonly special: Special;
      readonly body?: z.ZodType;
      readonly query?: Readonly<Record<string, string>>;
      readonly open?: boolean;
      /** Also for collectors of figures, who show a token that opens nothing else. */
      readonly collected?: boolean;
    };

export type Special =
  | 'sign-in'
  | 'sign-out'
  | 'whoami'
  | 'change-password'
  | 'compose-file'
  | 'validate-compose'
  | 'compose-schema'
  | 'app-logs'
  | 'object-history'
  | 'why'
  | 'events'
  | 'wait-operation'
  | 'health'
  | 'ready'
  | 'metrics'
  | 'openapi'
  | 'preview-retention'
  | 'list-backup-content'
  | 'read-backup-content'
  | 'list-files'
  | 'read-file'
  | 'diff-files'
  | 'export-volume'
  | 'import-volume'
  | 'preview-rollback'
  | 'list-foreign-snapshots'
  | 'list-disks'
  | 'list-volume-candidates'
  | 'list-projects'
  | 'plan-adoption'
  | 'show-pool'
  | 'set-disk'
  | 'cluster-status'
  | 'transfer-leadership'
  | 'make-join-token'
  | 'save-snapshot'
  | 'simulated-machines'
  | 'set-power'
  | 'backup-kit'
  | 'attach-backup-target'
  | 'backup-files'
  | 'list-vault-objects'
  | 'head-vault-object'
  | 'get-vault-object'
  | 'put-vault-object'
  | 'delete-vault-object';

export interface Route {
  readonly id: string;
  readonly method: Method;
  /** With `{namespace}` and `{name}` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly action: RouteAction;
}

export const command = (
  id: CommandName,
  method: Method,
  path: string,
  tag: string,
  summary: string,
  long = true,
): Route => ({
  id,
  method,
  path,
  summary,
  tag,
  action: { command: id, long },
});

export const list = (
  view: ViewName,
  path: string,
  tag: string,
  summary: string,
  filters: readonly string[],
): Route => ({
  id: `list-${view}`,
  method: 'get',
  path,
  summary,
  tag,
  action: { view, one: false, filters },
});

export const show = (view: ViewName, path: string, tag: string, summary: string): Route => ({
  id: `show-${view}`,
  method: 'get',
  path,
  summary,
  tag,
  action: { view, one: true, filters: [] },
});

export const special = (
  id: Special,
  method: Method,
  path: string,
  tag: string,
  summary: string,
  more: Omit<Extract<RouteAction, { special: Special }>, 'special'> = {},
): Route => ({
  id,
  method,
  path,
  summary,
  tag,
  action: { special: id, ...more },
});
