/**
 * Every script under `scripts/`, compared with itself after it has run; `vitest -u` writes what happened this time.
 * What to look at then is the difference: each line of it is a change of behaviour.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configurationInterpreter } from './scripts/language/configuration-interpreter.ts';
import { groupInterpreter } from './scripts/language/group-interpreter.ts';
import { quorumInterpreter } from './scripts/language/quorum-interpreter.ts';
import { run, titleOf } from './scripts/language/script.ts';

const kinds = { group: groupInterpreter, configuration: configurationInterpreter, quorum: quorumInterpreter };

describe.each(Object.entries(kinds))('scripts of the kind %s', (kind, interpreter) => {
  const folder = join(import.meta.dirname, 'scripts', kind);
  const scripts = readdirSync(folder)
    .filter((name) => name.endsWith('.txt'))
    .map((name) => ({ path: join(folder, name), name, text: readFileSync(join(folder, name), 'utf8') }));

  test.each(scripts.map((script) => ({ ...script, title: titleOf(script.text) })))(
    '$name: $title',
    async ({ path, text }) => {
      await expect(run(text, interpreter())).toMatchFileSnapshot(path);
    },
  );
});
