/** The tables of `x-floatlab` in docs/compose.md, which scripts/compose-docs.ts writes. */
import { appExtension, volumeExtension, type ExtensionKey } from './extension-keys.ts';

/** @returns Markdown: the keys at the top of a file, and those on a volume */
export const extensionTables = (): readonly [app: string, volume: string] => [
  table(appExtension, ({ meaning }) => meaning),
  table(volumeExtension, ({ several }) => `instead of ${several ? 'those' : 'the one'} at the top`),
];

function table(keys: Readonly<Record<string, ExtensionKey>>, words: (key: ExtensionKey) => string): string {
  const rows = Object.entries(keys).map(([key, one]) => `| \`${key}\` | ${words(one)} |\n`);
  return `| key | meaning |\n| --- | --- |\n${rows.join('')}`;
}
