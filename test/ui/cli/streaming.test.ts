import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PassThrough, Readable } from 'node:stream';
import { execWindowBytes } from '#io/contract/live.ts';
import { problemOf } from '#io/contract/problem.ts';
import { terminalAsker } from '#ui/cli/ask.ts';
import { runCli } from '#ui/cli/program.ts';
import type { Source, World } from '#ui/cli/world.ts';
import { FakeServer } from './fake-server.ts';
import { activityRow, appRow, serviceRow } from './sample-rows.ts';
import { emptyHome } from './home.ts';
import { lines, MemorySink, now, run, type Run, type Setting } from './test-world.ts';

let lab: FakeServer;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(() => {
  lab.forget();
  lab.rows('/api/v1/apps', [appRow('photos', { services: { web: serviceRow(), db: serviceRow() } })]);
});

const floatlab = (words: string, setting: Setting = {}): Promise<Run> =>
  run(words.split(' '), { server: lab.url, ...setting });

/** A run whose stdin is the test's own stream. */
const worldOf = async (stdin: Source, tty = true): Promise<World> => ({
  env: { FLOATLAB_SERVER: lab.url },
  cwd: '/',
  home: await emptyHome(),
  stdin,
  stdout: new MemorySink(tty),
  stderr: new MemorySink(tty),
  ask: terminalAsker(stdin, new PassThrough(), false),
  now: () => now,
  daemon: () => Promise.resolve({ code: 0, stdout: '' }),
  interrupt: new AbortController().signal,
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('floatlab logs', () => {
  const sayLines = (...texts: readonly string[]): void => {
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      const all = texts.map((text, n) => ({
        service: n % 2 === 0 ? 'web' : 'db',
        at: now + n,
        stream: 'stdout' as const,
        text,
      }));
      say({ t: 'lines', sub: message.sub, lines: all });
      if (!message.follow) say({ t: 'end', sub: message.sub });
    };
  };

  test('prints the lines of all services, each with whose it is', async () => {
    sayLines('GET /', 'checkpoint');
    const { code, out } = await floatlab('logs photos');
    expect(lines(out)).toEqual(['web | GET /', 'db  | checkpoint']);
    expect(code).toBe(0);
    expect(lab.heardLive).toEqual([{ t: 'logs', sub: 1, app: 'app:photos', tail: 200, follow: false }]);
  });

  test('of one service prints the lines alone', async () => {
    sayLines('GET /');
    const { out } = await floatlab('logs photos web --since 10m --tail 7');
    expect(out).toBe('GET /\n');
    expect(lab.heardLive[0]).toEqual({
      t: 'logs',
      sub: 1,
      app: 'app:photos',
      service: 'web',
      tail: 7,
      since: now - 600_000,
      follow: false,
    });
  });

  test('with --since alone prints everything since', async () => {
    sayLines();
    await floatlab('logs photos --since 10m');
    expect(lab.heardLive[0]).toEqual({ t: 'logs', sub: 1, app: 'app:photos', since: now - 600_000, follow: false });
  });

  test('follows until Ctrl-C', async () => {
    sayLines('GET /', 'checkpoint');
    const ctrlC = new AbortController();
    const seen = (out: string): void => void (lines(out).length === 2 && ctrlC.abort());
    const { code, out } = await floatlab('logs -f photos', { interrupt: ctrlC.signal, seen });
    expect(lines(out)).toHaveLength(2);
    expect(code).toBe(130);
  });

  test('of an app without containers waits for one, and says so', async () => {
    const ctrlC = new AbortController();
    const stopped = appRow('photos', { state: 'stopped', instance: null });
    lab.rows('/api/v1/apps', [stopped]);
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      if (lab.heardLive.length === 1) {
        const problem = problemOf('NOT_FOUND', 'App photos does not run.');
        say({ t: 'end', sub: message.sub, problem });
        return;
      }
      say({ t: 'lines', sub: message.sub, lines: [{ service: 'web', at: now, stream: 'stdout', text: 'hello' }] });
    };
    lab.on('GET /api/v1/apps/default/photos', () => ({
      json: lab.heardLive.length < 2 ? stopped : appRow('photos'),
    }));
    const { code, out, err } = await floatlab('logs -f photos', {
      interrupt: ctrlC.signal,
      seen: () => ctrlC.abort(),
    });
    expect(err).toBe('App photos is stopped and writes nothing: waiting until it does. Ctrl-C ends this.\n');
    expect(out).toBe('hello\n');
    expect(code).toBe(130);
  });

  test('go on with the next containers, and no line comes twice', async () => {
    const ctrlC = new AbortController();
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      const n = lab.heardLive.filter(({ t }) => t === 'logs').length;
      say({ t: 'lines', sub: message.sub, lines: [{ service: 'web', at: now + n, stream: 'stdout', text: `${n}` }] });
      if (n === 1) say({ t: 'end', sub: message.sub });
    };
    const seen = (out: string): void => void (lines(out).length === 2 && ctrlC.abort());
    const { out } = await floatlab('logs -f photos web', { interrupt: ctrlC.signal, seen });
    expect(out).toBe('1\n2\n');
    expect(lab.heardLive.filter(({ t }) => t === 'logs').at(-1)).toMatchObject({ since: now + 1, follow: true });
    expect(lab.heardLive.at(-1)).not.toHaveProperty('tail');
  });

  test('wait for a daemon that restarts', async () => {
    const ctrlC = new AbortController();
    let asked = 0;
    lab.on('GET /api/v1/apps/default/photos', () =>
      ++asked >= 2 && asked <= 4 ? 'hang up' : { json: appRow('photos') },
    );
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      if (asked < 2) return say({ t: 'end', sub: message.sub });
      say({ t: 'lines', sub: message.sub, lines: [{ service: 'web', at: now, stream: 'stdout', text: 'hello' }] });
    };
    const { code, out } = await floatlab('logs -f photos', { interrupt: ctrlC.signal, seen: () => ctrlC.abort() });
    expect([code, out]).toEqual([130, 'hello\n']);
  });

  test('wait for an engine that is away, and say so once', async () => {
    const ctrlC = new AbortController();
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      const code = lab.heardLive.length === 1 ? 'NOT_READY' : 'ENGINE_UNREACHABLE';
      const line = (at: number, text: string) => ({ service: 'web', at, stream: 'stdout' as const, text });
      const all = lab.heardLive.length < 3 ? [line(now, 'before')] : [line(now, 'before'), line(now, 'after')];
      say({ t: 'lines', sub: message.sub, lines: all });
      const problem = problemOf(code, 'The engine of atlas does not answer.');
      if (lab.heardLive.length < 3) say({ t: 'end', sub: message.sub, problem });
    };
    const seen = (out: string): void => void (out.includes('after') && ctrlC.abort());
    expect(await floatlab('logs -f photos web', { interrupt: ctrlC.signal, seen })).toMatchObject({
      code: 130,
      out: 'before\nafter\n',
      err: 'The engine of atlas does not answer. Waiting until it is there again. Ctrl-C ends this.\n',
    });
  });

  test('go on after a pause where each service was, to the same millisecond', async () => {
    const ctrlC = new AbortController();
    const line = (service: string, at: number, text: string) => ({ service, at, stream: 'stdout' as const, text });
    const written = [
      line('web', now, 'tick'),
      line('db', now - 3, 'old'),
      line('web', now, 'tick'),
      line('web', now, 'tock'),
      line('db', now - 1, 'late'),
      line('db', now, 'tick'),
      line('web', now + 1, 'end'),
    ];
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      const { since = 0 } = message;
      const isFirst = lab.heardLive.length === 1;
      const all = isFirst ? written.slice(0, 3) : written.filter(({ at }) => at >= since);
      say({ t: 'lines', sub: message.sub, lines: all });
      if (isFirst) say({ t: 'end', sub: message.sub });
    };
    const seen = (out: string): void => void (out.includes('end') && ctrlC.abort());
    const { out } = await floatlab('logs -f photos', { interrupt: ctrlC.signal, seen });
    expect(lines(out)).toEqual([
      'web | tick',
      'db  | old',
      'web | tick',
      'web | tock',
      'db  | late',
      'db  | tick',
      'web | end',
    ]);
  });

  test('wait for a lab that goes away before the live connection is open', async () => {
    const ctrlC = new AbortController();
    let asked = 0;
    lab.refuseLive = 502;
    lab.on('GET /api/v1/apps/default/photos', () => {
      if (++asked === 1) return { json: appRow('photos') };
      lab.refuseLive = undefined;
      return asked < 8 ? 'hang up' : { json: appRow('photos') };
    });
    lab.live = (message, say) => {
      if (message.t === 'logs')
        say({ t: 'lines', sub: message.sub, lines: [{ service: 'web', at: now, stream: 'stdout', text: 'hello' }] });
    };
    const { code, out, err } = await floatlab('logs -f photos', {
      interrupt: ctrlC.signal,
      seen: () => ctrlC.abort(),
    });
    expect([code, out]).toEqual([130, 'hello\n']);
    expect(err).toContain('Waiting until it is there again.');
  }, 20_000);

  test('end when the lab answers and no live connection opens', async () => {
    lab.refuseLive = 502;
    const { code, err } = await floatlab('logs -f photos');
    expect(code).toBe(8);
    expect(err).toContain('Does a proxy in between pass WebSockets on?');
  });

  test('of a job that is done end', async () => {
    lab.rows('/api/v1/apps', [appRow('photos', { services: { web: serviceRow({ state: 'completed' }) } })]);
    lab.live = (message, say) => {
      if (message.t === 'logs') say({ t: 'end', sub: message.sub });
    };
    expect(await floatlab('logs -f photos')).toMatchObject({ code: 0, err: '' });
  });

  test('of a service or an app that is not there do not wait', async () => {
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      const problem = problemOf('NOT_FOUND', 'App photos has no service wob.', { hint: 'It has web, db.' });
      say({ t: 'end', sub: message.sub, problem });
    };
    expect(await floatlab('logs -f photos wob')).toMatchObject({ code: 4 });
    lab.live = (message, say) => {
      lab.problem('GET /api/v1/apps/default/photos', 'NOT_FOUND', 'There is no app photos.');
      if (message.t === 'logs') say({ t: 'end', sub: message.sub, problem: problemOf('NOT_FOUND', 'Gone.') });
    };
    expect(await floatlab('logs -f photos')).toMatchObject({
      code: 4,
      err: 'error: There is no app photos (NOT_FOUND)\n',
    });
  });

  test('of an app that is stopped say how to start it, when they do not follow', async () => {
    lab.rows('/api/v1/apps', [appRow('photos', { state: 'stopped', instance: null })]);
    const { code, err } = await floatlab('logs photos');
    expect(code).toBe(5);
    expect(err).toContain('hint:  floatlab app start photos\n');
  });

  test('cannot drive a terminal, and keeps the colours of a line', async () => {
    sayLines('\u001b[32mok\u001b[2J\u001b]0;owned\u0007');
    const { out } = await floatlab('logs photos web', { tty: true });
    expect(out).toBe('\u001b[32mok·[2J·]0;owned·\u001b[0m\n');
  });

  test('go into a file as they were written', async () => {
    sayLines('\u001b[32mok\u001b[0m\tx');
    expect((await floatlab('logs photos web')).out).toBe('\u001b[32mok\u001b[0m\tx\n');
  });

  test('of an app that is not there says so', async () => {
    lab.problem('GET /api/v1/apps/default/fotos', 'NOT_FOUND', 'There is no app fotos.');
    expect(await floatlab('logs fotos')).toMatchObject({ code: 4, err: 'error: There is no app fotos (NOT_FOUND)\n' });
  });

  test('say when the engine does not answer', async () => {
    lab.live = (message, say) => {
      if (message.t === 'logs')
        say({
          t: 'end',
          sub: message.sub,
          problem: problemOf('ENGINE_UNREACHABLE', 'The engine of atlas does not answer.'),
        });
    };
    expect((await floatlab('logs photos')).code).toBe(8);
  });

  test('say when the live connection cannot be opened', async () => {
    lab.refuseLive = 502;
    const { code, err } = await floatlab('logs photos');
    expect(code).toBe(8);
    expect(err).toContain(`error: The live connection to ${lab.url} cannot be opened (NOT_READY)`);
  });

  test('go on after a lost connection, and say so', async () => {
    const ctrlC = new AbortController();
    let connections = 0;
    lab.live = (message, say) => {
      if (message.t !== 'logs') return;
      const at = now + ++connections;
      say({
        t: 'lines',
        sub: message.sub,
        lines: [{ service: 'web', at, stream: 'stdout', text: `line ${connections}` }],
      });
    };
    const seen = (out: string): void => (lines(out).length === 1 ? lab.dropLive() : ctrlC.abort());
    const { out, err } = await floatlab('logs -f photos web', { interrupt: ctrlC.signal, seen });
    expect(lines(out)).toEqual(['line 1', 'line 2']);
    expect(lines(err)).toEqual([`The connection to ${lab.url} was lost: trying again.`, `${lab.url} is there again.`]);
  });

  test('say when the session has ended', async () => {
    lab.refuseLive = 401;
    const { code, err } = await floatlab('logs photos');
    expect(code).toBe(3);
    expect(err).toContain('(NOT_SIGNED_IN)');
  });
});

describe('floatlab exec', () => {
  test('prints what the command prints and ends as it ends', async () => {
    lab.live = (message, say) => {
      if (message.t !== 'exec') return;
      say({ t: 'begun', sub: message.sub });
      say({ t: 'output', sub: message.sub, stream: 'stdout', data: base64('a\u0000é\n') });
      say({ t: 'output', sub: message.sub, stream: 'stderr', data: base64('oh\n') });
      say({ t: 'exit', sub: message.sub, code: 42 });
    };
    const { code, out, err } = await floatlab('exec photos web -- ls -n --tty /');
    expect(code).toBe(42);
    expect(out).toBe('a\u0000é\n');
    expect(err).toBe('oh\n');
    expect(lab.heardLive.slice(0, 2)).toEqual([
      { t: 'exec', sub: 1, app: 'app:photos', service: 'web', command: ['ls', '-n', '--tty', '/'], tty: false },
      { t: 'input', sub: 1 },
    ]);
  });

  test('hands on what is piped in, and its end', async () => {
    let input = '';
    lab.live = (message, say) => {
      if (message.t === 'exec') say({ t: 'begun', sub: message.sub });
      if (message.t !== 'input') return;
      if (message.data !== undefined) {
        const bytes = Buffer.from(message.data, 'base64');
        input += bytes.toString();
        say({ t: 'took', sub: message.sub, bytes: bytes.length });
      } else say({ t: 'exit', sub: message.sub, code: 0 });
    };
    const text = 'line of input\n'.repeat(20_000);
    expect((await floatlab('exec -i photos db -- psql', { stdin: text })).code).toBe(0);
    expect(input).toBe(text);
  });

  test('reads nothing before the command runs, and then no faster than the command does', async () => {
    let received = 0;
    let [whenNotBegun, whenStuck] = [-1, -1];
    let isStuck = true;
    let pause: NodeJS.Timeout | undefined;
    lab.live = (message, say) => {
      if (message.t === 'exec') {
        setTimeout(() => {
          whenNotBegun = received;
          say({ t: 'begun', sub: message.sub });
        }, 150);
      }
      if (message.t !== 'input') return;
      const bytes = message.data === undefined ? 0 : Buffer.from(message.data, 'base64').length;
      received += bytes;
      if (isStuck && received >= execWindowBytes) {
        // A moment, in which more would come if anything did.
        pause ??= setTimeout(() => {
          whenStuck = received;
          isStuck = false;
          say({ t: 'took', sub: message.sub, bytes: received });
        }, 200);
      }
      if (message.data === undefined) say({ t: 'exit', sub: message.sub, code: 0 });
      else if (!isStuck) say({ t: 'took', sub: message.sub, bytes });
    };
    const size = 3 * 2 ** 20;
    expect((await floatlab('exec -i photos db -- psql', { stdin: 'x'.repeat(size) })).code).toBe(0);
    expect([whenNotBegun, whenStuck, received]).toEqual([0, execWindowBytes, size]);
  });

  test('leaves in the pipe what the command does not take', async () => {
    const piece = 65_536;
    let read = 0;
    const source = function* (): Generator<Buffer> {
      for (; read < 100 * piece; read += piece) yield Buffer.alloc(piece);
    };
    const stdin = Object.assign(Readable.from(source(), { objectMode: false }), { isTTY: false }) as Source;
    let received = 0;
    lab.live = (message, say) => {
      if (message.t === 'exec') say({ t: 'begun', sub: message.sub });
      if (message.t !== 'input' || message.data === undefined) return;
      const before = received;
      received += Buffer.from(message.data, 'base64').length;
      if (before >= execWindowBytes || received < execWindowBytes) return;
      setTimeout(() => say({ t: 'exit', sub: message.sub, code: 0 }), 200);
    };
    expect(await runCli(['exec', '-i', 'photos', 'db', '--', 'psql'], await worldOf(stdin, false), '1')).toBe(0);
    expect(read).toBeGreaterThanOrEqual(execWindowBytes);
    expect(read).toBeLessThan(execWindowBytes + 6 * piece);
  });

  test.each([
    ['on a terminal a command gets one, and what is typed', ['exec', 'photos', 'web', '--', 'sh'], true, true],
    ['-T gives it none', ['exec', '-T', 'photos', 'web', '--', 'sh'], true, false],
    ['--no-tty too', ['exec', '--no-tty', 'photos', 'web', '--', 'sh'], true, false],
    ['-it asks for what is usual', ['exec', '-it', 'photos', 'web', '--', 'sh'], true, true],
    ['in a pipe it gets none', ['exec', 'photos', 'web', '--', 'sh'], false, false],
  ])('%s', async (_, args, isTerminal, expected) => {
    const stdin = Object.assign(new PassThrough(), { isTTY: isTerminal, setRawMode: () => undefined }) as PassThrough &
      Source;
    let typed = '';
    lab.live = (message, say) => {
      if (message.t === 'exec') {
        say({ t: 'begun', sub: message.sub });
        if (message.tty) stdin.write('exit\r');
      }
      if (message.t !== 'input') return;
      typed += message.data === undefined ? 'end' : Buffer.from(message.data, 'base64').toString();
      say({ t: 'exit', sub: message.sub, code: 0 });
    };
    expect(await runCli(args, await worldOf(stdin, isTerminal), '1')).toBe(0);
    expect(lab.heardLive[0]).toMatchObject({ t: 'exec', tty: expected });
    expect(typed).toBe(expected ? 'exit\r' : 'end');
  });

  test('ends with 127 when there is no such command, and its words are no output', async () => {
    lab.live = (message, say) => {
      if (message.t !== 'exec') return;
      say({ t: 'begun', sub: message.sub });
      const text =
        'OCI runtime exec failed: exec failed: exec: "bash": executable file not found in $PATH: unknown\r\n';
      say({ t: 'output', sub: message.sub, stream: 'stdout', data: base64(text) });
      say({ t: 'exit', sub: message.sub, code: 126 });
    };
    const { code, out, err } = await floatlab('exec photos web -- bash');
    expect(code).toBe(127);
    expect(out).toBe('');
    expect(lines(err)[0]).toBe('error: There is no command bash in service web of photos (COMMAND_NOT_FOUND)');
  });

  test('of an app that is stopped says how to start it', async () => {
    lab.rows('/api/v1/apps', [appRow('films', { namespace: 'media', state: 'stopped', instance: null })]);
    expect(await floatlab('exec films web -n media -- sh')).toMatchObject({
      code: 5,
      err: 'error: App films is stopped: nothing of it runs (NOT_RUNNING)\nhint:  floatlab app start films -n media\n',
    });
    expect(lab.heardLive).toEqual([]);
  });

  test('refuses a terminal where there is none', async () => {
    expect(await floatlab('exec -it photos web -- sh')).toMatchObject({
      code: 2,
      err: 'error: --tty needs a terminal, and this is none (USAGE)\nhint:  Leave out -t.\n',
    });
    expect(lab.heardLive).toEqual([]);
  });

  test('gives the command a terminal of this size, hands on keys as they are, and puts the terminal back', async () => {
    const stdin = new PassThrough() as PassThrough & Source;
    const modes: boolean[] = [];
    let whenNotBegun = -1;
    Object.assign(stdin, { isTTY: true, setRawMode: (on: boolean) => modes.push(on) });
    const keys: string[] = [];
    lab.live = (message, say) => {
      if (message.t === 'exec') {
        // Until the command runs Ctrl-C is for this end.
        whenNotBegun = modes.length;
        say({ t: 'begun', sub: message.sub });
        stdin.write('\u0003q');
      }
      if (message.t !== 'input' || message.data === undefined) return;
      keys.push(Buffer.from(message.data, 'base64').toString());
      say({ t: 'exit', sub: message.sub, code: 0 });
    };
    expect(await runCli(['exec', '-it', 'photos', 'web', '--', 'sh'], await worldOf(stdin), '1')).toBe(0);
    expect(lab.heardLive[0]).toMatchObject({ t: 'exec', tty: true, columns: 80, rows: 24 });
    expect(keys).toEqual(['\u0003q']);
    expect(modes).toEqual([true, false]);
    expect(whenNotBegun).toBe(0);
  });

  test('tells the command when the terminal has another size', async () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true }) as PassThrough & Source;
    const resized: { listener?: () => void } = {};
    const stdout = Object.assign(new MemorySink(true), {
      on: (_: 'resize', listener: () => void) => void (resized.listener = listener),
    });
    lab.live = (message, say) => {
      if (message.t === 'exec') {
        say({ t: 'begun', sub: message.sub });
        setTimeout(() => {
          Object.assign(stdout, { columns: 120, rows: 50 });
          resized.listener?.();
        }, 50);
      }
      if (message.t === 'resize' && message.columns === 120) say({ t: 'exit', sub: message.sub, code: 0 });
    };
    const world = { ...(await worldOf(stdin)), stdout };
    expect(await runCli(['exec', '-t', 'photos', 'web', '--', 'top'], world, '1')).toBe(0);
    expect(lab.heardLive.at(-1)).toEqual({ t: 'resize', sub: 1, columns: 120, rows: 50 });
  });

  test('has an unknown outcome when the connection is lost', async () => {
    lab.live = (message) => {
      if (message.t === 'exec') lab.dropLive();
    };
    const { code, err } = await floatlab('exec photos web -- sleep 9');
    expect(code).toBe(7);
    expect(err).toContain('The connection was lost while sleep ran (TIMED_OUT)');
  });
});

describe('floatlab event follow', () => {
  test('prints what has happened and then what happens, each event once', async () => {
    const ctrlC = new AbortController();
    const [first, second, third] = [
      activityRow(1, 'App photos starts.'),
      activityRow(2, 'App photos runs.'),
      activityRow(3, 'App photos stops.'),
    ];
    lab.on('GET /api/v1/events', { json: { items: [second, first], index: 2 } });
    lab.live = (message, say) => {
      if (message.t !== 'open') return;
      say({
        t: 'snap',
        sub: message.sub,
        epoch: 'e',
        index: 2,
        rows: [
          ['1', first],
          ['2', second],
        ],
        more: false,
      });
      say({ t: 'rows', sub: message.sub, index: 3, put: [['3', third]], del: [] });
    };
    const seen = (out: string): void => void (lines(out).length === 3 && ctrlC.abort());
    const { code, out } = await floatlab('event follow -o json', { interrupt: ctrlC.signal, seen });
    expect(JSON.parse(lines(out)[0] ?? '')).toMatchObject({ at: new Date(first.at).toISOString() });
    expect(lines(out).map((line) => (JSON.parse(line) as { index: number }).index)).toEqual([1, 2, 3]);
    expect(code).toBe(130);
  });

  test('says at once when nobody is signed in', async () => {
    lab.problem('GET /api/v1/events', 'NOT_SIGNED_IN', 'This needs somebody who is signed in.', {
      hint: 'Sign in: floatlab login',
    });
    expect(await floatlab('event follow')).toMatchObject({ code: 3 });
    expect(lab.heardLive).toEqual([]);
  });
});
