/**
 * Which rows somebody asked for: by fields (`state=failed,degraded`), by labels (`selector=tier=web,env!=test`), and
 * only what the reader may see. The same in lists and in live views.
 */
import type { Principal } from '#events/envelope.ts';
import { allows } from '#actors/access/scope.ts';
import type { ObservedView } from '#io/contract/live.ts';
import { routes } from '#io/contract/routes.ts';
import { projections, type ViewName } from '#projections/registry.ts';
import { wrongField } from './problems.ts';

export type Row = Readonly<Record<string, unknown>>;
export type RowTest = (row: Row) => boolean;
export type Where = Readonly<Record<string, string>>;

/** Fields beside those that the lists filter by. */
const further: Readonly<Partial<Record<ViewName | ObservedView, readonly string[]>>> = {
  activity: ['stream', 'kind', 'type', 'namespace', 'name', 'by', 'command', 'correlation'],
  alerts: ['name', 'stream'],
  apps: ['id', 'node'],
  config: ['id'],
  nodes: ['id', 'name', 'selector'],
  operations: ['id', 'namespace', 'name', 'targetName', 'by'],
  schedules: ['id', 'name'],
  snapshots: ['id', 'namespace', 'name', 'volume'],
  volumes: ['id', 'pool'],
  work: ['work', 'subject', 'node', 'app', 'correlation', 'state'],
};

/** The fields that a view can be filtered by. */
function filtersOf(view: ViewName | ObservedView): readonly string[] {
  const listed = routes.flatMap(({ action }) => ('view' in action && action.view === view ? action.filters : []));
  return [...new Set([...listed, ...(further[view] ?? [])])];
}

/** @throws ProblemError INVALID when a field is unknown or a selector is not one */
export function rowTest(view: ViewName | ObservedView, where: Where): RowTest {
  const known = filtersOf(view);
  const tests = Object.entries(where).map(([field, wanted]): RowTest => {
    if (!known.includes(field)) {
      const hint = known.length === 0 ? 'It has no filters.' : `It can be filtered by ${known.join(', ')}.`;
      throw wrongField(field, `${view} cannot be filtered by it`, hint);
    }
    return field === 'selector' ? labelTest(wanted) : fieldTest(field, wanted.split(','));
  });
  return (row) => tests.every((test) => test(row));
}

const fieldTest =
  (field: string, wanted: readonly string[]): RowTest =>
  (row) =>
    wanted.some((text) => isAt(valueAt(row, field), text));

/** Rows of `config` keep name, namespace and labels in their metadata. */
function valueAt(row: Row, field: string): unknown {
  if (Object.hasOwn(row, field)) return row[field];
  const { metadata } = row;
  return typeof metadata === 'object' && metadata !== null && Object.hasOwn(metadata, field)
    ? (metadata as Row)[field]
    : undefined;
}

/** Another object is meant by its name or by its id; of several, any. */
function isAt(value: unknown, wanted: string): boolean {
  if (value === null || value === undefined) return wanted === '';
  if (Array.isArray(value)) return value.some((item) => isAt(item, wanted));
  if (typeof value !== 'object') return String(value as string | number | boolean) === wanted;
  const { id, name } = value as Row;
  return id === wanted || name === wanted;
}

const requirement = /^(?:(?<absent>!)(?<missing>[\w./-]+)|(?<key>[\w./-]+)(?:\s*(?<op>!=|==?)\s*(?<value>[^,=!]*))?)$/;

/** `a=b`, `a!=b` (also without the label), `a` (has it), `!a` (has it not); all must hold. */
function labelTest(selector: string): RowTest {
  const tests = selector.split(',').map((part) => {
    const found = requirement.exec(part.trim())?.groups;
    if (!found) {
      throw wrongField(
        'selector',
        `"${part.trim().slice(0, 100)}" is no requirement`,
        'Write for example tier=web,env!=test.',
      );
    }
    const { missing, key, op, value } = found;
    return (labels: Row): boolean => {
      if (missing !== undefined) return !Object.hasOwn(labels, missing);
      const has = Object.hasOwn(labels, key ?? '');
      if (op === undefined) return has;
      const isEqual = has && labels[key ?? ''] === value?.trim();
      return op === '!=' ? !isEqual : isEqual;
    };
  });
  return (row) => {
    const labels = valueAt(row, 'labels');
    const own = typeof labels === 'object' && labels !== null ? (labels as Row) : {};
    return tests.every((test) => test(own));
  };
}

/** What a reader may see of a view: asked of every row, because a row may move out of sight. */
export const sightOf =
  (view: ViewName, by: Principal): RowTest =>
  (row) =>
    allows(by, projections[view].scope(row as never));
