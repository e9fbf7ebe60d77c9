/** A rule of the bouncer while somebody writes it: all of it is text, and some of it may not be right yet. Pure. */
import { bouncerRule, type BouncerRule } from '#events/values/bouncer.ts';
import { labelText, parseLabels } from './label-text.ts';

export interface RuleDraft {
  /** Tells it from the others while they are moved about. */
  readonly key: number;
  readonly do: BouncerRule['do'];
  readonly name: string;
  readonly address: string;
  readonly labels: string;
}

/** What is wrong, at the field where it is. */
export type RuleTroubles = Readonly<Partial<Record<'name' | 'address' | 'labels', string>>>;

export const draftOf = (rule: BouncerRule, key: number): RuleDraft => ({
  key,
  do: rule.do,
  name: rule.name ?? '',
  address: rule.address ?? '',
  labels: labelText(rule.labels ?? {}),
});

/** A field that is empty is no condition. */
export function ruleOf(draft: RuleDraft): { readonly rule: BouncerRule } | { readonly troubles: RuleTroubles } {
  const [name, address] = [draft.name.trim(), draft.address.trim()];
  const labels = parseLabels(draft.labels);
  if (!labels) return { troubles: { ...troublesOf(name, address), labels: 'Write for example zone=attic.' } };
  const troubles = troublesOf(name, address);
  if (Object.keys(troubles).length > 0) return { troubles };
  return {
    rule: {
      do: draft.do,
      ...(name === '' ? {} : { name }),
      ...(address === '' ? {} : { address }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    },
  };
}

function troublesOf(name: string, address: string): RuleTroubles {
  const { shape } = bouncerRule;
  return {
    ...(name === '' || shape.name.safeParse(name).success ? {} : { name: 'Use a–z, 0–9, "-", "*" and "?".' }),
    ...(address === '' || shape.address.safeParse(address).success
      ? {}
      : { address: 'Write for example 192.0.2.7 or 192.0.2.0/24.' }),
  };
}

/** Another one in its place: up when `by` is negative. */
export function moved<T>(list: readonly T[], from: number, by: number): readonly T[] {
  const to = from + by;
  const item = list[from];
  if (item === undefined || to < 0 || to >= list.length) return list;
  return list.toSpliced(from, 1).toSpliced(to, 0, item);
}
