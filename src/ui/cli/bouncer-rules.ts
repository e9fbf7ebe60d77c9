/** Rules of the bouncer as people write and read them: `admit name=pi-* address=192.0.2.0/24 label=zone=attic`. Pure. */
import { bouncerRule, bouncerRules, type BouncerRule } from '#events/values/bouncer.ts';
import { parseDocument } from 'yaml';
import { labelsOf } from './labels.ts';
import { usageError } from './errors.ts';

const form = 'Write for example "admit name=pi-* address=192.0.2.0/24 label=zone=attic"; ask and refuse go as well.';

/** @throws usage error */
export function ruleOf(text: string): BouncerRule {
  const [verb, ...conditions] = text.trim().split(/\s+/);
  const rule: Record<string, unknown> = { do: verb };
  const pairs: string[] = [];
  for (const condition of conditions) {
    const equals = condition.indexOf('=');
    const [key, value] = [condition.slice(0, equals), condition.slice(equals + 1)];
    if (key === 'label') pairs.push(value);
    else if ((key === 'name' || key === 'address') && rule[key] === undefined) rule[key] = value;
    else throw usageError(`--rule ${text}: ${condition} is no condition.`, form);
  }
  if (pairs.length > 0) rule['labels'] = labelsOf(pairs, 'label=');
  const read = bouncerRule.safeParse(rule);
  if (read.success) return read.data;
  throw usageError(`--rule ${text}: ${firstIssue(read.error)}.`, form);
}

/** A list of rules, in YAML or JSON. @throws usage error */
export function rulesOf(text: string, file: string): readonly BouncerRule[] {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken) throw usageError(`${file}: ${broken.message.split('\n')[0]}`);
  const read = bouncerRules.safeParse(document.toJS({ maxAliasCount: 0 }) ?? []);
  if (read.success) return read.data;
  throw usageError(
    `${file}: ${firstIssue(read.error)}.`,
    'It is a list of rules, each with name, address, labels, do.',
  );
}

const firstIssue = ({ issues }: { readonly issues: readonly { path: readonly PropertyKey[]; message: string }[] }) =>
  issues
    .slice(0, 1)
    .map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
    .join('');
