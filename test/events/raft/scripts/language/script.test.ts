import { describe, expect, test } from 'vitest';
import { groupInterpreter } from './group-interpreter.ts';
import { quorumInterpreter } from './quorum-interpreter.ts';
import { run, titleOf } from './script.ts';

const echo = (line: string) => (line === 'quiet' ? [] : [`did ${line}`]);

describe('a script', () => {
  test('shows below each step what happened, in place of what happened before', () => {
    const text = '# One.\na\nb\n----\nsomething else\nand more\n\n\n# Two.\nquiet\n';
    const expected = '# One.\na\nb\n----\ndid a\ndid b\n\n# Two.\nquiet\n----\nok\n';
    expect(run(text, echo)).toBe(expected);
    expect(run(expected, echo)).toBe(expected);
  });

  test('may have paragraphs of prose', () => {
    expect(run('# Only a title.\n\n# And more.\n', echo)).toBe('# Only a title.\n\n# And more.\n');
  });

  test('has its title in the first line', () => {
    expect(titleOf('# A leader leads.\n# More.\n')).toBe('A leader leads');
  });

  test('is refused when a step does not say what it checks', () => {
    expect(() => run('# Title.\n\na\n----\ndid a\n', echo)).toThrow('«a» does not say what it checks');
  });

  test('is refused when a command is unknown, or a word of it is', () => {
    const refusal = (command: string) => () => run(`# Step.\ngroup voters=1\n${command}\n`, groupInterpreter());
    expect(refusal('jump 1')).toThrow('«jump 1»: there is no command jump');
    expect(refusal('campaign 1 2')).toThrow('«campaign 1 2»: 2: not understood');
    expect(refusal('campaign 2')).toThrow('«campaign 2»: there is no 2');
    expect(refusal('deliver form=1')).toThrow('«deliver form=1»: form: not understood');
    expect(refusal('deliver heart-beat')).toThrow('heart-beat is no kind of message');
    expect(refusal('tick 1 often')).toThrow('often is no number');
  });

  test('is refused when the core breaks a law, whatever it shows', () => {
    const text = '# Two groups that take each other for one.\ngroup voters=1,2\nmember 1 voters=1\nmember 2 voters=2\n';
    expect(() => run(`${text}lead 1\nlead 2\n`, groupInterpreter())).toThrow('2 and 1 lead in term 1');
  });

  test('of quorums is refused when the slow oracle disagrees', () => {
    expect(run('# Fine.\ncommit voters=1,2 1=3 2=4\n', quorumInterpreter())).toContain('1=3 2=4: 3');
  });
});
