/** Names in a compose file: which character is wrong, also when it only looks right. */
import { isName, nameRule, serviceName } from '#events/values/name.ts';
import { quoted } from './locate.ts';
import type { Place, Reading } from './reading.ts';

/** @returns whether the name can be used for an app; else it was reported */
export function checkName(reading: Reading, at: Pick<Place, 'path' | 'at'>, what: string, name: string): boolean {
  if (isName(name)) return true;
  const slug = slugOf(name);
  const rename = slug === undefined || strangeCharacter(name) ? '' : ` Rename it to ${quoted(slug)}.`;
  refuse(reading, at, what, name, `For names, ${nameRule}.${rename}`);
  return false;
}

/** Services and volumes may be called as Compose allows: `db_data`. @returns whether it may; else it was reported */
export function checkComposeName(
  reading: Reading,
  at: Pick<Place, 'path' | 'at'>,
  what: 'a service' | 'a volume' | 'a config' | 'a secret',
  name: string,
): boolean {
  if (serviceName.safeParse(name).success) return true;
  refuse(reading, at, what, name, 'Use 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or a digit.');
  return false;
}

function refuse(reading: Reading, at: Pick<Place, 'path' | 'at'>, what: string, name: string, rule: string): void {
  const strange = strangeCharacter(name);
  const because = strange === undefined ? '' : `: its character ${strange} is not a plain letter`;
  reading.report(at, `${quoted(name)} cannot be the name of ${what}${because}.`, rule);
}

/** The first character outside ASCII, because it may look exactly like one inside. */
function strangeCharacter(name: string): string | undefined {
  const found = [...name].find((char) => (char.codePointAt(0) ?? 0) > 0x7e);
  return found && `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** `My Photos!` → `my-photos`. @returns undefined when nothing of it can be part of a name */
export function slugOf(title: string): string | undefined {
  const slug = title
    .slice(0, 200)
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 63)
    .replace(/-$/, '');
  return isName(slug) ? slug : undefined;
}
