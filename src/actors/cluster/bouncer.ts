/**
 * The bouncer: what happens to a node that asks to join without a token. The first rule of which every condition holds
 * decides; when none fits, a person is asked. What a node says of itself (name, labels) anybody can say; the address it
 * came from is what its request was seen to come from.
 */
import type { BouncerRule } from '#events/values/bouncer.ts';
import { isWithin, parseAddress, parseRange } from '#events/values/address.ts';

export interface Newcomer {
  readonly name: string;
  /** Where its request came from; of those that it says it has, when that is not known. */
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Verdict {
  readonly do: BouncerRule['do'];
  /** Number of the rule that decided, from 1; null when none fits. */
  readonly rule: number | null;
}

export function judge(rules: readonly BouncerRule[], newcomer: Newcomer): Verdict {
  const found = rules.findIndex((rule) => fits(rule, newcomer));
  const rule = rules[found];
  return rule ? { do: rule.do, rule: found + 1 } : { do: 'ask', rule: null };
}

export function fits(rule: BouncerRule, { name, addresses, labels }: Newcomer): boolean {
  if (rule.name !== undefined && !matchesGlob(name, rule.name)) return false;
  if (rule.address !== undefined && !addresses.some((address) => isOf(address, rule.address))) return false;
  return Object.entries(rule.labels ?? {}).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

/**
 * `*` stands for any characters, `?` for one. Linear: a star that turns out to be too short takes one character more,
 * and only the last star is ever tried again.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let at = 0;
  let place = 0;
  let star = -1;
  let tried = 0;
  while (at < text.length) {
    if (pattern[place] === '*') {
      star = place++;
      tried = at;
    } else if (place < pattern.length && (pattern[place] === '?' || pattern[place] === text[at])) {
      place++;
      at++;
    } else if (star >= 0) {
      place = star + 1;
      at = ++tried;
    } else return false;
  }
  while (pattern[place] === '*') place++;
  return place === pattern.length;
}

function isOf(text: string, written: string | undefined): boolean {
  const [address, range] = [parseAddress(text), parseRange(written ?? '')];
  return address !== undefined && range !== undefined && isWithin(address, range);
}
