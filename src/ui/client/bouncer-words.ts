/** Rules of the bouncer in words, the same in every face. Pure. */
import type { BouncerRule } from '#events/values/bouncer.ts';

/** What a node must be for the rule to decide: `any node`, `name pi-*, address 192.0.2.0/24`. */
export function conditionWords({ name, address, labels = {} }: BouncerRule): string {
  const parts = [
    ...(name === undefined ? [] : [`name ${name}`]),
    ...(address === undefined ? [] : [`address ${address}`]),
    ...Object.entries(labels).map(([key, value]) => `label ${key}=${value}`),
  ];
  return parts.length === 0 ? 'any node' : parts.join(', ');
}
