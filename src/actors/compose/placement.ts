/** `placement` of `x-floatlab`: the node that an app is tied to, and the shares that untie it. */
import type { AppSpec } from '#events/app.ts';
import { isName } from '#events/values/name.ts';
import { normalHostPath } from '#events/values/path.ts';
import { keysOf, placementExtension } from './extension-keys.ts';
import { keysAt } from './keys.ts';
import type { Place, Reading } from './reading.ts';
import { isEmpty, itemsAt, optional, textAt, written } from './values.ts';

export const placementKeys = {
  of: 'placement of x-floatlab',
  read: keysOf(placementExtension),
} as const;

const mostShares = 50;

export function placementAt(reading: Reading, place: Place): AppSpec['placement'] {
  if (isEmpty(place)) return undefined;
  const keys = keysAt(reading, place, placementKeys);
  if (!keys) return undefined;
  const node = optional(keys.get('node'), (at) => nodeAt(reading, at));
  const shares = optional(keys.get('shares'), (at) => sharesAt(reading, at));
  return {
    ...(node === undefined ? {} : { node }),
    ...(shares === undefined || shares.length === 0 ? {} : { shares: [...shares] }),
  };
}

function nodeAt(reading: Reading, place: Place): string | undefined {
  const text = textAt(reading, place, 'the name of a node');
  if (text === undefined || isName(text)) return text;
  return reading.report(place, `${written(place)} is not the name of a node.`, 'Write one of the lab: `node: atlas`.');
}

function sharesAt(reading: Reading, place: Place): readonly string[] {
  const items = itemsAt(reading, place, 'a list such as [/mnt/media]') ?? [];
  if (items.length > mostShares) reading.report(place, `An app has at most ${mostShares} shares.`);
  const found = items.flatMap((item) => {
    const text = textAt(reading, item, 'a mount point');
    if (text === undefined) return [];
    const path = normalHostPath(text);
    if (path !== undefined && path !== '/' && path.length <= 1024) return [path];
    reading.report(item, `${written(item)} is not a mount point of a node.`, 'Write for example /mnt/media.');
    return [];
  });
  return [...new Set(found)].toSorted();
}
