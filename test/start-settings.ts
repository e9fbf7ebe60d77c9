/** What `npm start` gives to the process of the daemon, for whoever starts one here: read from there, so that it is the same. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const { scripts } = JSON.parse(readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8')) as {
  readonly scripts: { readonly start: string };
};
const [, env = '', args = ''] =
  /^exec env ((?:\w+=\S+ )*)node ((?:--\S+ )*)scripts\/start\.mjs$/.exec(scripts.start) ?? [];

/** For Node, before the program. */
export const startArgs: readonly string[] = args.split(' ').filter((arg) => arg !== '');

/** For the C library, which reads it before any program runs. */
export const startEnv: Readonly<Record<string, string>> = Object.fromEntries(
  env
    .split(' ')
    .filter((setting) => setting !== '')
    .map((setting) => setting.split('=') as [string, string]),
);
