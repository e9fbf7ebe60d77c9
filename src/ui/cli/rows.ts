/** Reading rows for a list: every page, in the namespace that is meant; and columns that several lists share. */
import type { AnsweredRows } from '#io/contract/replica-loss.ts';
import type { ListedView } from '#ui/client/rest.ts';
import type { ListOptions } from '#ui/client/rest-input.ts';
import type { Cli, Lab } from './cli.ts';
import { momentOf, type ReadOptions } from './options.ts';
import type { Column } from './output/table.ts';

/** What is in no namespace, or is listed with that of its target. */
const placeless: ReadonlySet<ListedView> = new Set([
  'backup-targets',
  'nodes',
  'operations',
  'pools',
  'registries',
  'tokens',
]);

/** A list looks into all namespaces, unless one is named by an option, the environment or the context. */
export async function readRows<V extends ListedView>(
  cli: Cli,
  lab: Lab,
  view: V,
  options: ReadOptions,
  more: Pick<ListOptions, 'params' | 'filters'> = {},
): Promise<AnsweredRows[V][]> {
  const at = momentOf(options.at, cli.world.now());
  const namespace = placeless.has(view) ? undefined : lab.namespace(options);
  const filters = more.params ? more.filters : { namespace, ...more.filters };
  const rows: AnsweredRows[V][] = [];
  const listOptions = { ...more, ...(filters ? { filters } : {}), at, signal: cli.world.interrupt };
  for await (const row of lab.rest.listAll(view, listOptions)) rows.push(row);
  return rows;
}

/** The namespace is worth a column as soon as not everything is in the default one. */
export const namespaceColumn = <R extends { readonly namespace: string }>(rows: readonly R[]): readonly Column<R>[] =>
  rows.every(({ namespace }) => namespace === 'default')
    ? []
    : [{ header: 'NAMESPACE', value: ({ namespace }) => namespace }];

export const byName = <R extends { readonly namespace?: string; readonly name: string }>(a: R, b: R): number =>
  (a.namespace ?? '').localeCompare(b.namespace ?? '', 'en') || a.name.localeCompare(b.name, 'en', { numeric: true });
