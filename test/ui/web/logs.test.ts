import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { findAll, pieces, withoutColors } from '#ui/web/format/ansi.ts';

const esc = '\u001b';

describe('log lines', () => {
  it('show the colours of the terminal', () => {
    expect(pieces(`${esc}[32minfo${esc}[0m ready`)).toEqual([{ text: 'info', color: 2 }, { text: ' ready' }]);
    expect(pieces(`${esc}[1;91mbad${esc}[22m still red${esc}[39m plain`)).toEqual([
      { text: 'bad', bold: true, color: 1 },
      { text: ' still red', color: 1 },
      { text: ' plain' },
    ]);
  });

  it('lose every other control sequence', () => {
    expect(withoutColors(`${esc}[2K${esc}[1Gdone${esc}]0;title\u0007!`)).toBe('done!');
    expect(withoutColors(`${esc}[38;5;208morange${esc}[48;2;1;2;3m back`)).toBe('orange back');
  });

  it('lose nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const line = text.replaceAll(esc, '');
        expect(withoutColors(line)).toBe(line);
      }),
    );
  });

  it('find what is searched for, whatever the case', () => {
    expect(findAll('Error: no error', 'ERROR')).toEqual([
      [0, 5],
      [10, 15],
    ]);
    expect(findAll('aaaa', 'aa')).toEqual([
      [0, 2],
      [2, 4],
    ]);
    expect(findAll('anything', '')).toEqual([]);
  });

  it('mark the right letters where the small form of one is longer', () => {
    const line = 'İİİ error';
    const [[from, to] = [0, 0]] = findAll(line, 'error');
    expect(line.slice(from, to)).toBe('error');
  });
});
