import { ExecStart } from '#ui/cli/exec-start.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const failed = (why: string): string =>
  `OCI runtime exec failed: exec failed: unable to start container process: ${why}: unknown\r\n`;
const missing = failed('exec: "bash": executable file not found in $PATH');

/** @returns what is shown before the end, what at the end, and the error */
function play(pieces: readonly string[], code: number, command = 'bash') {
  const start = new ExecStart();
  const text = (all: ReturnType<ExecStart['pass']>): string =>
    all.map(({ bytes }) => Buffer.from(bytes).toString()).join('');
  const shown = pieces.map((piece) => text(start.pass('stdout', Buffer.from(piece)))).join('');
  const failure = start.failure(code, command, 'photos', 'web');
  return { shown, failure, rest: failure ? '' : text(start.rest()) };
}

test('a command that is not there ends with 127, whatever code the engine gives, and its words are not output', () => {
  for (const code of [126, 127]) {
    const { shown, failure, rest } = play([missing], code);
    expect(failure).toMatchObject({
      code: 'COMMAND_NOT_FOUND',
      exitCode: 127,
      hint: expect.stringContaining('try sh'),
    });
    expect(shown + rest).toBe('');
  }
  expect(play([failed('exec: "/x/y": stat /x/y: no such file or directory')], 126).failure?.exitCode).toBe(127);
});

test('a command that cannot be run ends with 126', () => {
  expect(play([failed('exec: "/etc/hostname": permission denied')], 126).failure).toMatchObject({
    code: 'COMMAND_NOT_EXECUTABLE',
    exitCode: 126,
  });
  expect(play([failed('something new')], 126).failure).toMatchObject({ code: 'COMMAND_NOT_STARTED', exitCode: 126 });
});

test('the words may come in pieces', () => {
  expect(play([missing.slice(0, 3), missing.slice(3, 30), missing.slice(30)], 127).failure?.exitCode).toBe(127);
});

test('a command that ran is left alone: its code is its own, and every byte is shown in order', () => {
  expect(play(['bash: nocmd: command not found\n'], 127)).toEqual({
    shown: 'bash: nocmd: command not found\n',
    failure: undefined,
    rest: '',
  });
  // It only prints what an engine would say.
  expect(play([missing], 0)).toEqual({ shown: '', failure: undefined, rest: missing });
  expect(play([missing, 'x'.repeat(9000)], 126).failure).toBeUndefined();
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 })), fc.integer({ min: 0, max: 255 }), (pieces, code) => {
      const { shown, failure, rest } = play(pieces, code);
      expect(failure).toBeUndefined();
      expect(shown + rest).toBe(pieces.join(''));
    }),
  );
});
