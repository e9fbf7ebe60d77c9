import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { completionScript, wordsOf } from '#ui/cli/commands/completion.ts';
import { exitCodes } from '#ui/cli/exit-codes.ts';
import { describe, expect, test } from 'vitest';
import { emptyHome } from './home.ts';
import { lines, run } from './test-world.ts';
import { programAlone } from './program.ts';

const program = programAlone();
const pathsOf = (command: Command, path: string[] = []): string[][] => [
  path,
  ...command.commands.flatMap((sub) => pathsOf(sub, [...path, sub.name()])),
];
const paths = pathsOf(program);

describe('help', () => {
  test.each(paths.map((path) => [path.join(' ')]))(
    'of floatlab %s begins with two examples and fits 80 columns',
    async (path) => {
      const { code, out, err } = await run([...path.split(' ').filter(Boolean), '--help']);
      expect(code).toBe(0);
      expect(err).toBe('');
      expect(lines(out)[0]).toBe('Examples:');
      for (const line of lines(out).slice(1, 3)) expect(line).toMatch(/^ {2}\$ .*floatlab/);
      // Examples are there to be copied: they are not wrapped.
      for (const line of lines(out).filter((line) => !line.startsWith('  $')))
        expect(line.length, line).toBeLessThanOrEqual(80);
    },
  );

  test('of a group without a command goes to stderr and ends with 2', async () => {
    for (const args of [[], ['volume']]) {
      const { code, out, err } = await run(args);
      expect(code).toBe(2);
      expect(out).toBe('');
      expect(err).toContain('Commands:');
    }
  });

  test('can be asked for by its own command', async () => {
    expect((await run(['help', 'volume', 'snapshot'])).out).toContain('take a snapshot and print its name');
    expect(await run(['help', 'nonsense'])).toMatchObject({ code: 2 });
  });

  test('shows the exit codes, and the documentation shows the same', async () => {
    const { out } = await run(['help', 'exit-codes']);
    const docs = await readFile('docs/cli.md', 'utf8');
    for (const [code, meaning] of exitCodes) {
      expect(out).toContain(`${code}  ${meaning}\n`);
      expect(docs.replaceAll(/ +/g, ' ')).toContain(`| ${code} | ${meaning} |`);
    }
  });

  test.each([
    ['volum ls', 'Did you mean floatlab volume?'],
    ['volume lss', 'Did you mean floatlab volume ls?'],
    ['node token lss', 'Did you mean floatlab node token ls?'],
    ['node token lss --quiet', 'Did you mean floatlab node token ls?'],
    ['cluster bouncer sett', 'Did you mean floatlab cluster bouncer set?'],
    ['stop photos', 'Did you mean floatlab app stop?'],
    ['show photos', 'Did you mean floatlab app show or floatlab volume show'],
    ['ps --quite', 'Did you mean --quiet? floatlab help ps'],
    ['nonsense', 'hint:  floatlab help'],
  ])('for %s names what is nearest', async (words, hint) => {
    const { code, err } = await run(words.split(' '));
    expect(code).toBe(2);
    expect(err).toContain(hint);
    expect(lines(err)[0]).not.toContain('Did you mean');
  });

  test('of a group that does something by itself says where the options of that are', async () => {
    expect((await run(['node', 'token', '--help'])).out).toContain('floatlab node token create --help');
    expect((await run(['node', 'token', 'create', '--help'])).out).toContain('--replaces <node>');
    expect((await run(['node', 'token', 'photos'])).err).toContain("Unknown command 'photos'");
  });

  test('of what prints JSON says how times are written', async () => {
    const { out } = await run(['ps', '--help']);
    expect(out.replaceAll(/\s+/g, ' ')).toContain('json and yaml have times in UTC, ISO 8601');
  });

  test('of what asks says how not to be asked, and of nothing else', async () => {
    const asking = [
      'up',
      'down',
      'app stop',
      'app restart',
      'app update',
      'app rm',
      'backup restore',
      'backup rm',
      'backup target rm',
      'cluster bouncer set',
      'files restore',
      'node leave',
      'node power',
      'node rm',
      'pool add',
      'pool create',
      'pool forget',
      'pool replace',
      'replica resync',
      'replica rm',
      'schedule rm',
      'volume import',
      'app move',
      'volume move',
      'volume release',
      'volume rm',
      'volume rm-snapshot',
      'volume rollback',
    ];
    for (const path of paths.map((words) => words.join(' '))) {
      const { out } = await run([...path.split(' ').filter(Boolean), '--help']);
      expect(out.includes('-y, --yes'), path).toBe(asking.includes(path));
    }
  });

  test('says the version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, out: '1.2.3\n' });
  });

  test('in the documentation names every command', async () => {
    const docs = await readFile('docs/cli.md', 'utf8');
    const named = [...docs.matchAll(/`floatlab ([a-z]+)(?: ([a-z|-]+))?(?: ([a-z|-]+))?/g)].flatMap(
      ([, first = '', more = '', most = '']) => [
        first,
        ...more
          .split('|')
          .flatMap((second) => [
            `${first} ${second}`,
            ...most.split('|').map((third) => `${first} ${second} ${third}`),
          ]),
      ],
    );
    for (const path of paths.slice(1)) expect(named).toContain(path.join(' '));
  });
});

describe('completion', () => {
  test('knows every command and every option', () => {
    const words = wordsOf(program);
    expect(words.map(({ path }) => path)).toEqual(paths.map((path) => path.join(' ')));
    const up = words.find(({ path }) => path === 'up');
    expect(up?.options.map(({ flag }) => flag)).toEqual(
      expect.arrayContaining(['--file', '--dry-run', '--yes', '--server']),
    );
  });

  test('in bash completes commands, options and the commands of a group', async () => {
    const home = await emptyHome();
    const ask = async (...words: string[]): Promise<string[]> => {
      const script = join(home, 'try.bash');
      const array = words.map((word) => `'${word}'`).join(' ');
      const lastWords = `COMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; _floatlab 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"\n`;
      await writeFile(script, completionScript(program, 'bash') + lastWords);
      const { stdout } = await execa('bash', ['--norc', script]);
      return stdout.split('\n').filter(Boolean);
    };
    expect(await ask('floatlab', 'vol')).toEqual(['volume']);
    expect(await ask('floatlab', 'volume', 'sn')).toEqual(['snapshot', 'snapshots']);
    expect(await ask('floatlab', '--server', 'volume', 'rollback', '--d')).toEqual(['--detach', '--dry-run']);
    expect(await ask('floatlab', 'ps', '')).toContain('--output');
  });

  test.each(['bash', 'zsh', 'fish'])('is printed for %s, with every command in it', async (shell) => {
    const { code, out } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const path of paths) expect(out).toContain(path.at(-1) ?? '');
  });

  test('is for shells that it knows', async () => {
    expect(await run(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  });
});
