/** Compose files on disk, as the reader takes them: everything beside the file is handed in. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ComposeInput, HandedIn } from '#actors/compose/model.ts';

export const fixtures = join(import.meta.dirname, '../../fixtures/compose');

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Files called `….override.yaml` in the folder itself are overrides, in the order in which they are given. */
export function input(text: string, files: Readonly<Record<string, string>> = {}): ComposeInput {
  let overrides = 0;
  const handedIn = Object.entries(files).map(([path, content]): [string, HandedIn] => [
    path,
    {
      content: base64(content),
      mode: 0o644,
      ...(/^[^/]+\.override\.yaml$/.test(path) ? { override: ++overrides } : {}),
    },
  ]);
  return { fileName: 'compose.yaml', text, files: Object.fromEntries(handedIn) };
}

/** A folder with a `compose.yaml` and what it names. */
export function inputFromFolder(folder: string): ComposeInput {
  const texts: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, entry);
    if (statSync(path).isFile() && !entry.endsWith('.snap')) texts[relative(folder, path)] = readFileSync(path, 'utf8');
  }
  const { 'compose.yaml': text = '', ...files } = texts;
  return input(text, files);
}

/** `--- name` begins each file, `=== findings` what is expected. */
export function inputFromScript(script: string): { readonly input: ComposeInput; readonly given: string } {
  const given = script.slice(0, script.indexOf('=== findings\n'));
  const files: Record<string, string> = {};
  for (const part of given.split(/^--- /m).slice(1)) {
    const end = part.indexOf('\n');
    files[part.slice(0, end)] = part.slice(end + 1);
  }
  const { 'compose.yaml': text = '', ...others } = files;
  return { input: input(text, others), given };
}
