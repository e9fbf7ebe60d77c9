/** What is in one folder of a backup, from the names of all that is in it. */
import { compareNames, decodeName } from '#events/values/tree-path.ts';
import type { CatalogEntry } from './format/catalog.ts';

interface Below {
  bytes: number;
  entries: number;
}

interface Listed {
  readonly self: Readonly<Below>;
  readonly items: readonly (Readonly<Below> & { readonly name: string })[];
  readonly more: boolean;
}

/**
 * One pass over the catalog; in memory is what lies directly in the folder.
 * @param after the last name of the page before @returns undefined when there is nothing at the path
 */
export async function listFolder(
  catalog: AsyncIterable<CatalogEntry>,
  path: string,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<Listed | undefined> {
  const prefix = path === '' ? '' : `${path}/`;
  const children = new Map<string, Below>();
  const self: Below = { bytes: 0, entries: 0 };
  let isThere = path === '';
  for await (const { path: of, bytes } of catalog) {
    if (of !== path && !of.startsWith(prefix)) continue;
    isThere = true;
    self.bytes += bytes;
    const rest = of === path ? '' : of.slice(prefix.length);
    if (rest === '') continue;
    self.entries += 1;
    const slash = rest.indexOf('/');
    const name = slash < 0 ? rest : rest.slice(0, slash);
    const child = children.get(name) ?? { bytes: 0, entries: 0 };
    child.bytes += bytes;
    if (slash >= 0) child.entries += 1;
    children.set(name, child);
  }
  if (!isThere) return undefined;
  const last = after === undefined ? undefined : decodeName(after);
  const names = [...children.keys()]
    .map((name) => ({ name, bytes: decodeName(name) }))
    .filter(({ bytes }) => last === undefined || compareNames(bytes, last) > 0)
    .toSorted((one, other) => compareNames(one.bytes, other.bytes))
    .map(({ name }) => name);
  return {
    self,
    items: names.slice(0, limit).map((name) => ({ name, ...(children.get(name) ?? self) })),
    more: names.length > limit,
  };
}
