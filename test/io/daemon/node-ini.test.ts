import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIni, IniError, parseIni } from '#io/daemon/ini.ts';
import {
  formatNodeIni,
  nodeIniPath,
  parseNodeIni,
  readNodeIni,
  writeNodeIni,
  type NodeIni,
} from '#io/daemon/node-ini.ts';

const example: NodeIni = {
  node: { id: 'k3v9', name: 'attic', incarnation: 'disk-1', isWitness: false },
  lab: {
    id: 'lab-1',
    generation: 1,
    wasJoined: false,
    dataKey: new Uint8Array(32).fill(1),
  },
  admin: {
    name: 'admin',
    passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g',
    passwordIsInitial: true,
    passwordWasShown: true,
    passwordChangedAt: 0,
  },
};

const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anyId = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const anyName = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
const anyNodeIni = fc.record(
  {
    node: fc.record(
      { id: anyId, name: anyName, incarnation: anyId, isWitness: fc.boolean() },
      { noNullPrototype: true },
    ),
    lab: fc.record(
      {
        id: anyId,
        generation: fc.integer({ min: 1, max: 999_999_999 }),
        wasJoined: fc.boolean(),
        dataKey: anyKey,
      },
      { noNullPrototype: true },
    ),
    admin: fc.record(
      {
        name: anyName,
        passwordHash: fc.stringMatching(/^\$[\x21-\x7e]{8,200}$/),
        passwordIsInitial: fc.boolean(),
        passwordWasShown: fc.boolean(),
        passwordChangedAt: fc.nat(),
      },
      { noNullPrototype: true },
    ),
  },
  { noNullPrototype: true },
);

describe('node.ini', () => {
  test('comes back as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(anyNodeIni, (ini) => {
        expect(parseNodeIni(formatNodeIni(ini))).toEqual(ini);
      }),
    );
  });

  test('reads like an ini file', () => {
    expect(formatNodeIni(example)).toMatch(
      /^; .*\n; .*\n\n\[node\]\nid = k3v9\nname = attic\nincarnation = disk-1\n\n\[lab\]\nid = lab-1\ngeneration = 1\ndata_key = AQEB.*\n\n\[admin\]\nname = admin\npassword_hash = \$argon2id\$.*\npassword_initial = yes\npassword_shown = yes\npassword_changed = 0\n$/,
    );
  });

  const good = formatNodeIni(example);
  const edits: readonly (readonly [title: string, edit: (text: string) => string, line: number, says: RegExp])[] = [
    ['a missing section', (text) => text.slice(0, text.indexOf('[admin]')), 1, /section \[admin\] is missing/],
    ['a missing key', (text) => text.replace(/^data_key.*\n/m, ''), 9, /"data_key" is missing in section \[lab\]/],
    ['an unknown section', (text) => `${text}\n[raft]\nid = 1\n`, 21, /there is no section \[raft\]/],
    ['an unknown key', (text) => text.replace('[node]\n', '[node]\ncolor = red\n'), 5, /there is no "color"/],
    ['a section twice', (text) => `${text}[node]\n`, 20, /\[node\] is there twice/],
    ['a key twice', (text) => text.replace('name = attic', 'name = attic\nname = b'), 7, /"name" is there twice/],
    ['a value that is not valid', (text) => text.replace('attic', 'Attic'), 6, /"name" is not valid: .*a–z/],
    ['a key that is too short', (text) => text.replace(/(data_key = .*)...\n/, '$1\n'), 12, /32 bytes in base64url/],
    ['a line that is none', (text) => text.replace('[node]', '[node'), 4, /expected/],
    ['a key before all sections', (text) => `a = b\n${text}`, 1, /before the first/],
    ['a password that is no hash', (text) => text.replace(/\$argon2id.*/, 'hunter2'), 16, /hash/],
  ];
  test.each(edits)('with %s is refused, and the line is named', (_, edit, line, says) => {
    const text = edit(good);
    expect(text).not.toBe(good);
    const attempt = () => parseNodeIni(text, '/data/node.ini');
    expect(attempt).toThrow(expect.objectContaining({ name: 'IoError', code: 'INVALID' }));
    expect(attempt).toThrow(`/data/node.ini, line ${line}:`);
    expect(attempt).toThrow(says);
  });

  test('of before there were several nodes still reads: its disk has no incarnation yet', () => {
    const old = good.replace(/incarnation = .*\n/, '').replace(/generation = .*\n/, '');
    expect(parseNodeIni(old)).toEqual({ ...example, node: { ...example.node, incarnation: undefined } });
  });

  test('of before each node signed with its own key still reads: nobody signs with that of the lab any more', () => {
    const old = good.replace(/^(data_key = .*)$/m, `$1\nsession_key = ${'A'.repeat(43)}`);
    expect(old).not.toBe(good);
    expect(parseNodeIni(old)).toEqual(example);
  });

  test('errors never repeat a secret', () => {
    const text = good.replace('password_hash = $argon2id', 'password_hash = hunter2 ');
    expect(() => parseNodeIni(text)).toThrow(/^(?!.*hunter2)/s);
  });
});

describe('The file node.ini', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'floatlab-ini-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  test('is not there at the first start', async () => {
    expect(await readNodeIni(dir)).toBeUndefined();
  });

  test('is for the service alone, and replaced as a whole', async () => {
    await writeNodeIni(dir, example);
    expect(await readNodeIni(dir)).toEqual(example);
    const other = { ...example, admin: { ...example.admin, name: 'boss' } };
    await writeFile(`${nodeIniPath(dir)}.new`, 'left over by a crash', { mode: 0o644 });
    await writeNodeIni(dir, other);
    expect(await readNodeIni(dir)).toEqual(other);
    expect((await stat(nodeIniPath(dir))).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['node.ini']);
  });

  test('that others may read is refused, with the command that mends it', async () => {
    await writeNodeIni(dir, example);
    await chmod(nodeIniPath(dir), 0o640);
    await expect(readNodeIni(dir)).rejects.toMatchObject({
      code: 'PERMISSION',
      hint: expect.stringContaining(`chmod 600 ${nodeIniPath(dir)}`),
    });
  });

  test('is not replaced by what could not be read back', async () => {
    await writeNodeIni(dir, example);
    const before = await readFile(nodeIniPath(dir), 'utf8');
    const wrong = { ...example, node: { ...example.node, name: 'not a name' } };
    await expect(writeNodeIni(dir, wrong)).rejects.toMatchObject({ code: 'INVALID' });
    expect(await readFile(nodeIniPath(dir), 'utf8')).toBe(before);
  });

  test('that cannot be written says why', async () => {
    await expect(writeNodeIni(join(dir, 'missing'), example)).rejects.toMatchObject({ code: 'FAILED' });
  });
});

describe('The ini dialect', () => {
  test('gives back what was formatted, whatever fits one line', () => {
    const word = fc.stringMatching(/^[a-z][a-z_]{0,8}$/).filter((key) => !(key in Object.prototype));
    const value = fc
      .string({ unit: 'grapheme', maxLength: 30 })
      .filter((text) => !/[\r\n]/.test(text) && text === text.trim());
    const anyIni = fc.dictionary(word, fc.dictionary(word, value, { noNullPrototype: true }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(anyIni, (sections) => {
        const parsed = parseIni(formatIni(['a comment'], sections));
        const back = Object.fromEntries(
          [...parsed].map(([name, section]) => [
            name,
            Object.fromEntries([...section.values].map(([key, { value: text }]) => [key, text])),
          ]),
        );
        expect(back).toEqual(sections);
      }),
    );
  });

  test('takes values with any sign, comments, and lines of Windows', () => {
    const ini = parseIni('; one\r\n[a]\r\n\r\nkey = x = [y] ; no comment \r\nempty =\r\n');
    expect(ini.get('a')?.values.get('key')).toEqual({ value: 'x = [y] ; no comment', line: 4 });
    expect(ini.get('a')?.values.get('empty')?.value).toBe('');
  });

  test('never crashes on any text: it parses, or names a line', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('[', ']', 'a', '=', ' ', '\n', ';', '\t') }), (text) => {
        try {
          parseIni(text);
        } catch (error) {
          expect(error).toBeInstanceOf(IniError);
          expect((error as IniError).line).toBeLessThanOrEqual(text.split('\n').length);
        }
      }),
    );
  });

  test('refuses to write a value that would not come back', () => {
    for (const value of ['two\nlines', ' space', 'space ']) expect(() => formatIni([], { a: { b: value } })).toThrow();
  });
});
