/**
 * What a YAML text means, apart from how it is written: aliases and merge keys are resolved, comments and styles are
 * gone. Two texts mean the same when their values are the same. What an alias brings in is the same object wherever it
 * stands, so a text of a few lines cannot become a value that nobody can walk: whoever walks remembers what was seen.
 */

/** A scalar. `text`, as it was written (`0777`, `1.10`), where it was read; without one where somebody asks for it. */
export interface Leaf {
  readonly scalar: string | number | boolean | null;
  readonly text?: string;
  /** `!reset`, with its exclamation mark. */
  readonly tag?: string;
}
export interface ListValue {
  readonly items: readonly Value[];
  readonly tag?: string;
}
export interface MapValue {
  readonly entries: ReadonlyMap<string, Value>;
  readonly tag?: string;
}
export type Value = Leaf | ListValue | MapValue;

/** What somebody asks for, as JSON has it. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** Keys of maps and indices of lists, from the top of the file. */
export type Path = readonly (string | number)[];

export const isList = (value: Value): value is ListValue => 'items' in value;
export const isMap = (value: Value): value is MapValue => 'entries' in value;
export const isLeaf = (value: Value): value is Leaf => 'scalar' in value;

export const empty: Leaf = { scalar: null };

export function valueOf(plain: Plain): Value {
  if (plain === null || typeof plain !== 'object') return { scalar: plain };
  if (Array.isArray(plain)) return { items: plain.map(valueOf) };
  return { entries: new Map(Object.entries(plain).map(([key, one]) => [key, valueOf(one)])) };
}

/** @returns undefined where nothing is */
export function childOf(value: Value, step: string | number): Value | undefined {
  if (isMap(value)) return value.entries.get(String(step));
  return isList(value) && typeof step === 'number' ? value.items[step] : undefined;
}

export const valueAt = (value: Value, path: Path): Value | undefined =>
  path.reduce<Value | undefined>((at, step) => at && childOf(at, step), value);

/** The value with what is at the path replaced; everything beside the path is the same object. */
export function replaced(value: Value, path: Path, change: (old: Value | undefined) => Value): Value {
  const [step, ...rest] = path;
  if (step === undefined) return change(value);
  if (isList(value) && typeof step === 'number') {
    const items = [...value.items];
    items[step] = replaced(items[step] ?? empty, rest, change);
    return { ...value, items };
  }
  const entries = new Map(isMap(value) ? value.entries : []);
  const old = entries.get(String(step));
  entries.set(String(step), rest.length === 0 ? change(old) : replaced(old ?? empty, rest, change));
  return { ...(isMap(value) ? value : {}), entries };
}

/**
 * Whether two values mean the same. The order of keys means nothing. A scalar without its text is the same as any that
 * has its value; where both have one, `0777` is not `777`.
 */
export function same(a: Value, b: Value): boolean {
  const seen = new Map<Value, Set<Value>>();
  return compare(a, b);

  function compare(one: Value, other: Value): boolean {
    if (one === other) return true;
    if (one.tag !== other.tag) return false;
    if (isLeaf(one)) return isLeaf(other) && sameLeaf(one, other);
    const known = seen.get(one);
    if (known?.has(other)) return true;
    if (known) known.add(other);
    else seen.set(one, new Set([other]));
    if (isList(one)) {
      return (
        isList(other) &&
        one.items.length === other.items.length &&
        one.items.every((item, n) => compare(item, other.items[n] ?? empty))
      );
    }
    if (!isMap(other) || one.entries.size !== other.entries.size) return false;
    for (const [key, value] of one.entries) {
      const found = other.entries.get(key);
      if (!found || !compare(value, found)) return false;
    }
    return true;
  }
}

const sameLeaf = (a: Leaf, b: Leaf): boolean =>
  Object.is(a.scalar, b.scalar) && (a.text === undefined || b.text === undefined || a.text === b.text);
