/** YAML texts in all the ways that people write them: the same structure, with the style of each part drawn by chance. */
import fc from 'fast-check';

type Draw = () => number;
interface Style {
  readonly eol: string;
  readonly step: number;
  readonly dash: number;
  readonly anchors: boolean;
}

const keys = ['web', 'db', 'image', 'ports', 'a b', 'x-é', '80', 'on', 'null', "it's", 'deploy', 'labels', 'k', 'v'];
const strings = [
  ...['nginx:1.27', '80:80', '22:22', 'yes', 'no', 'null', '', '0777', '1.10', 'a: b', 'a #b', '- x', '*x', '&x'],
  ...['[a]', '{a}', '${A}', '${A:-b}', "it's", '"q"', 'é👍', ' lead', 'trail ', 'a\tb', 'C:\\x', '%a', '@a', '!a', '~'],
  ...['2001-01-01', '1e3', '0x1f', '.5', '<<', '=', '?', '-', ':', 'a:', ',', 'a, b', '|', '>', '#', 'true', 'x'],
  ...['two\nlines', 'two\nlines\n', '\n', 'a\n\n b\n', 'a\n\n\n', 'x'.repeat(90)],
];
const raw = [
  '0777',
  '0o17',
  '0x1F',
  '1.10',
  '12',
  '-1',
  'true',
  'false',
  'True',
  '~',
  'null',
  '',
  '1_000',
  '1e3',
  '.5',
];

/** A seed decides everything: fast-check shrinks the list that it is drawn from. */
export const yamlText: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.nat(9999), { minLength: 40, maxLength: 160 }), fc.boolean())
  .map(([draws, anchors]) => written(draws, anchors));

function written(draws: readonly number[], anchors: boolean): string {
  let n = 0;
  // Behind the end all that is drawn is 0, which is the shortest of everything.
  const draw: Draw = () => draws[n++] ?? 0;
  const pick = <T>(of: readonly T[]): T => of[draw() % of.length] as T;
  const often = (one: number, of: number): boolean => draw() % of < one && n < draws.length;
  let comments = 0;
  const defined: { readonly name: string; readonly map: boolean; open: boolean }[] = [];
  const style: Style = {
    eol: pick(['\n', '\n', '\n', '\r\n']),
    step: pick([2, 2, 4, 3]),
    dash: pick([0, 2, 2]),
    anchors,
  };
  const { eol } = style;

  const comment = (): string => (often(1, 5) ? ` #c${comments++}${pick([' ', '\t', " it's", ' - x: {'])}e` : '');
  const between = (indent: number): string =>
    often(1, 7) ? `${pick([' '.repeat(indent), ''])}#c${comments++} e${eol}` : often(1, 12) ? eol : '';

  const oneLine = (flow: boolean): string => {
    const kind = draw() % 4;
    if (kind === 0) return pick(raw.filter((one) => one !== '' || !flow)) || '~';
    const value = pick(strings.filter((one) => !one.includes('\n')));
    if (kind === 1) return `'${value.replaceAll("'", "''")}'`;
    if (kind === 2) return JSON.stringify(value);
    return /^[\w/.:-]*[\w]$/.test(value) ? value : pick(['plain', 'a-b', 'x/y:1', 'two words']);
  };
  const key = (taken: Set<string>): string | undefined => {
    const name = keys.map((_, by) => keys[(draw() + by) % keys.length] ?? 'k').find((one) => !taken.has(one));
    if (name === undefined || taken.size > 5) return undefined;
    taken.add(name);
    const plain = name === 'null' || name === 'x-é' ? `"${name}"` : name;
    return pick([plain, plain, plain, JSON.stringify(name), `'${name.replaceAll("'", "''")}'`]);
  };
  const anchor = (map: boolean): string => {
    if (!style.anchors || !often(1, 4)) return '';
    const name = `a${defined.length}`;
    defined.push({ name, map, open: true });
    return `&${name} `;
  };
  const alias = (map: boolean): string | undefined => {
    const usable = defined.filter((one) => !one.open && (!map || one.map));
    return style.anchors && usable.length > 0 && often(1, 4) ? `*${pick(usable).name}` : undefined;
  };

  const flow = (depth: number): string => {
    const kind = depth > 2 ? 2 : draw() % 4;
    if (kind > 1) return oneLine(true);
    const pad = pick(['', ' ']);
    const parts: string[] = [];
    const taken = new Set<string>();
    for (let count = draw() % 4; count > 0; count--) {
      const name = kind === 0 ? key(taken) : '';
      if (name === undefined) break;
      parts.push(kind === 0 ? `${name}: ${flow(depth + 1)}` : flow(depth + 1));
    }
    const [open, close] = kind === 0 ? ['{', '}'] : ['[', ']'];
    if (parts.length === 0) return `${open}${close}`;
    return `${open}${pad}${parts.join(pick([', ', ',  ', ', ']))}${pick(['', '', ','])}${pad}${close}`;
  };

  const severalLines = (indent: number): string => {
    const lines = pick(['one', 'one\ntwo', 'one\n\n  two', '# no comment\nx: y', 'tab\there']).split('\n');
    const pad = ' '.repeat(indent + style.step);
    return `${pick(['|', '>', '|-', '>-', '|+'])}${comment()}${eol}${lines.map((line) => (line === '' ? eol : pad + line + eol)).join('')}`;
  };

  /** Behind `key:` or a dash, with the line break at its end. */
  const value = (indent: number, depth: number, dash: boolean): string => {
    const kind = depth > 3 ? draw() % 4 : draw() % 9;
    if (kind === 0) {
      const named = anchor(false);
      for (const one of defined.slice(named === '' ? defined.length : -1)) one.open = false;
      return ` ${named}${oneLine(false)}${comment()}${eol}`;
    }
    if (kind === 1) return ` ${alias(false) ?? oneLine(false)}${comment()}${eol}`;
    if (kind === 2) return ` ${severalLines(indent)}`;
    if (kind === 3) return dash || often(1, 2) ? ` ${flow(0)}${comment()}${eol}` : `${comment()}${eol}`;
    const isList = kind > 6;
    const compact = dash && often(1, 2);
    const named = compact ? '' : anchor(!isList);
    const opened = defined.at(-1);
    const inner = indent + (compact ? 2 : isList && !dash ? style.dash : style.step);
    const body = isList ? list(inner, depth + 1, compact) : map(inner, depth + 1, compact);
    // Until here an alias would stand inside the value that it names.
    if (named !== '' && opened) opened.open = false;
    return compact ? ` ${body}` : `${named === '' ? '' : ` ${named.trimEnd()}`}${comment()}${eol}${body}`;
  };
  const map = (indent: number, depth: number, compact: boolean): string => {
    const taken = new Set<string>();
    let text = '';
    const merged = compact ? undefined : alias(true);
    if (merged !== undefined) text += `${' '.repeat(indent)}<<: ${merged}${comment()}${eol}`;
    for (let count = 1 + (draw() % 4); count > 0; count--) {
      const name = key(taken);
      if (name === undefined) break;
      const lead = compact && text === '' ? '' : between(indent) + ' '.repeat(indent);
      text += `${lead}${name}:${value(indent, depth, false)}`;
    }
    return text;
  };
  const list = (indent: number, depth: number, compact: boolean): string => {
    let text = '';
    for (let count = 1 + (draw() % 4); count > 0; count--) {
      const lead = compact && text === '' ? '' : between(indent) + ' '.repeat(indent);
      text += `${lead}-${value(indent, depth, true)}`;
    }
    return text;
  };

  const head = pick(['', '', '', '\uFEFF', `#c${comments++} head${eol}`, `---${eol}`, `--- #c${comments++}${eol}`]);
  const whole = `${head}${map(0, 0, false)}${between(0)}`;
  return often(1, 4) ? whole.slice(0, whole.length - eol.length) : whole;
}

export const someStrings = strings;
