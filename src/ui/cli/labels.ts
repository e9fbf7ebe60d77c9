/** Labels as people type them: `key=value`, and `key-` to take one away. Pure. */
import { labelKey } from '#events/values/name.ts';
import { usageError } from './errors.ts';

const keyRule = 'A key is letters, digits, ".", "_" and "-", with an optional prefix and a slash before it.';

/** @throws usage error */
export function labelsOf(pairs: readonly string[], option = '--label '): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw usageError(`${option}${pair} is not key=value.`);
      return [checkedKey(pair.slice(0, equals), option), pair.slice(equals + 1)];
    }),
  );
}

/** @returns null for what is taken away @throws usage error */
export function labelChangesOf(words: readonly string[]): Record<string, string | null> {
  const changes = words.map((word): readonly [string, string | null] => {
    if (!word.includes('=') && word.endsWith('-')) return [checkedKey(word.slice(0, -1), ''), null];
    if (!word.includes('=')) {
      throw usageError(`${word} is neither key=value nor key-.`, 'key=value sets a label, key- takes it away.');
    }
    return Object.entries(labelsOf([word], ''))[0] as readonly [string, string];
  });
  return Object.fromEntries(changes);
}

function checkedKey(key: string, option: string): string {
  if (labelKey.safeParse(key).success) return key;
  throw usageError(`${option}${key} is not the key of a label.`, keyRule);
}
