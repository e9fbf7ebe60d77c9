import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import type { LinkError } from '#io/links/errors.ts';
import { helloOf, packAnswer, parseAnswer, type Answer } from '#io/links/hello.ts';
import type { LinkIdentity } from '#io/links/identity.ts';
import type { Link, SocketLink } from '#io/links/link.ts';
import type { LinkServer } from '#io/links/server.ts';
import { createAuthority } from '#io/pki/ca.ts';
import { createNodeKey, issueNode, makeRequest } from '#io/pki/node-certificate.ts';
import { keySha256 } from '#io/pki/node-identity.ts';
import { X509Certificate } from 'node:crypto';
import { dayMs, SmallLab, until, type TestNode } from './small-lab.ts';

let lab: SmallLab;
let [atlas, bolt]: TestNode[] = [];
let server: LinkServer;
/** A link that has nothing to do with the case, and must be undisturbed by it. */
let good: Link;
let echoed = 0;

beforeEach(async () => {
  lab = await SmallLab.create();
  [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
  const dora = await lab.node('dora');
  server = await lab.serve(atlas, {
    onLink: (link) => link.receive((frame) => void link.send(frame)),
    stepMs: 200,
  });
  good = await lab.dial(dora, atlas, server, { purpose: 'consensus' });
  echoed = 0;
  good.receive(() => {
    echoed += 1;
  });
});
afterEach(async () => {
  // Whatever a test did: the other link goes on.
  good.send(Buffer.from('still there?'));
  await until(() => echoed > 0, 'the answer on the good link');
  await lab.close();
});

const refusal = (dialing: Promise<unknown>): Promise<LinkError> =>
  dialing.then(
    () => {
      throw new Error('it was let in');
    },
    (error: LinkError) => error,
  );
const as = (identity: Partial<LinkIdentity>): TestNode => ({ ...bolt!, identity: { ...bolt!.identity, ...identity } });
const told = (code: string) => lab.lines.filter((line) => line['code'] === code);

describe('two nodes of a lab', () => {
  test('shake hands, and know one another', async () => {
    const links: Link[] = [];
    const other = await lab.serve(atlas!, {
      onLink: (link) => {
        links.push(link);
        link.receive(() => undefined);
      },
    });
    const link = await lab.dial(as({ protocol: { min: 2, max: 9 } }), atlas!, other);
    const [run, version, incarnation] = ['run of atlas', '1.0.0', 'first'];
    expect(link.peer).toEqual({ node: 'atlas', incarnation, run, version, protocol: 3 });
    expect(links[0]?.peer).toEqual({ node: 'bolt', incarnation, run: 'run of bolt', version, protocol: 3 });
    expect([links[0]?.remoteAddress, links[0]?.purpose]).toEqual(['127.0.0.1', 'requests']);
  });

  test('hear what the other one said at once, even before they listen', async () => {
    const eager = await lab.serve(atlas!, {
      onLink: (link) => {
        link.receive(() => undefined);
        for (let i = 0; i < 100; i++) link.send(Buffer.from([i]));
      },
    });
    const link = await lab.dialOnly(bolt!, atlas!, eager);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const heard: number[] = [];
    link.receive((frame) => heard.push(frame[0] ?? -1));
    await until(() => heard.length === 100);
    expect(heard).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test('go on with the old certificate, while new links get the new one', async () => {
    const before = await lab.dial(bolt!, atlas!, server);
    const renewed = await lab.stranger('atlas');
    server.setIdentity(renewed.identity);
    const after = await lab.dial(bolt!, renewed, server);
    expect([before.isOpen, after.isOpen]).toEqual([true, true]);
    expect((await refusal(lab.dial(bolt!, atlas!, server))).code).toBe('WRONG_KEY');
  });
});

describe('is refused with its own code', () => {
  const cases: [string, string, () => Promise<unknown>, (boolean | undefined)?][] = [
    ['a node of another lab', 'WRONG_CLUSTER', () => lab.dial(as({ cluster: 'other' }), atlas!, server)],
    ['a node that has missed a recovery', 'OLD_GENERATION', () => lab.dial(as({ generation: 0 }), atlas!, server)],
    [
      'a node that knows of a recovery which this one has missed',
      'NEWER_GENERATION',
      () => lab.dial(as({ generation: 2 }), atlas!, server),
    ],
    [
      'a node that speaks an older protocol only',
      'PROTOCOL_TOO_OLD',
      async () => {
        const newer = await lab.serve({ ...atlas!, identity: { ...atlas!.identity, protocol: { min: 4, max: 5 } } });
        return lab.dial(bolt!, atlas!, newer);
      },
    ],
    [
      'a node that speaks a newer protocol only',
      'PROTOCOL_TOO_NEW',
      () => lab.dial(as({ protocol: { min: 4, max: 5 } }), atlas!, server),
    ],
    [
      'a node that was removed',
      'NOT_ADMITTED',
      () => {
        lab.admitted.delete('bolt');
        return lab.dial(bolt!, atlas!, server);
      },
    ],
    [
      'a node with another key than the lab has pinned',
      'WRONG_KEY',
      async () => lab.dial(await lab.stranger('bolt'), atlas!, server),
    ],
    ['a node with another disk', 'WRONG_INCARNATION', () => lab.dial(as({ incarnation: 'second' }), atlas!, server)],
    ['a node that says it is another one', 'WRONG_NODE', () => lab.dial(as({ node: 'carl' }), atlas!, server)],
    [
      'a node whose certificate comes from another authority',
      'WRONG_CA',
      async () => {
        const own = new SmallLab(await createAuthority(Date.now()));
        const theirs = await own.node('bolt');
        // It knows where it goes, and still believes in its own authority only as far as it shows it.
        return lab.dial({ ...theirs, identity: { ...theirs.identity, caCert: lab.authority.cert } }, atlas!, server);
      },
    ],
    [
      'a node whose certificate has run out',
      'EXPIRED',
      async () => lab.dial(await lab.node('bolt', {}, 91 * dayMs), atlas!, server),
    ],
    [
      'a purpose that is not taken at this port',
      'WRONG_PURPOSE',
      async () => lab.dial(bolt!, atlas!, await lab.serve(atlas!, { purposes: ['log'] })),
    ],
    ['a hello that is too large', 'TOO_LARGE', () => lab.dial(as({ version: 'x'.repeat(5000) }), atlas!, server)],
    ['a hello that makes no sense', 'BAD_HELLO', () => lab.dial(as({ generation: -1 }), atlas!, server)],
  ];
  test.each(cases)('%s: %s', async (_what, code, attempt) => {
    const error = await refusal(attempt());
    expect([error.code, error.isTheirs]).toEqual([code, true]);
    expect(error.message).toContain('node atlas at 127.0.0.1:');
    expect(told(code)).toHaveLength(1);
    // The same again, and once more: nobody reads that twice.
    await refusal(attempt());
    expect(told(code).length, 'lines in the log').toBeLessThanOrEqual(
      code === 'PROTOCOL_TOO_OLD' || code === 'WRONG_PURPOSE' ? 2 : 1,
    );
  });

  test('a server with another key, another authority, another lab or another disk', async () => {
    const address = { address: { host: '127.0.0.1', port: server.port } };
    const wrongKey = { expect: { node: 'atlas', keySha256: bolt!.keySha256 } };
    const error = await refusal(lab.dial(bolt!, atlas!, server, { ...address, ...wrongKey }));
    expect([error.code, error.isTheirs]).toEqual(['WRONG_KEY', false]);
    const other = await SmallLab.create();
    expect((await refusal(other.dial(await other.node('bolt'), atlas!, server))).code).toBe('WRONG_CA');
    expect((await refusal(lab.dial(atlas!, bolt!, server))).code).toBe('WRONG_NODE');
    const otherDisk = { expect: { node: 'atlas', keySha256: atlas!.keySha256, incarnation: 'second' } };
    expect((await refusal(lab.dial(bolt!, atlas!, server, otherDisk))).code).toBe('WRONG_INCARNATION');
  });

  test('a server whose certificate has run out, but for renewing', async () => {
    const old = await lab.node('old', {}, 91 * dayMs);
    const late = await lab.serve(old);
    expect((await refusal(lab.dial(bolt!, old, late))).code).toBe('EXPIRED');
    expect((await lab.dial(bolt!, old, late, { purpose: 'renew' })).isOpen).toBe(true);
  });
});

test('a certificate that has run out is taken for renewing it', async () => {
  const late = await lab.node('bolt', {}, 91 * dayMs);
  expect((await refusal(lab.dial(late, atlas!, server))).code).toBe('EXPIRED');
  expect((await lab.dial(late, atlas!, server, { purpose: 'renew' })).isOpen).toBe(true);
});

test('a certificate of a clock that is ahead is taken: the key says who it is', async () => {
  const early = await lab.node('bolt', {}, -10 * dayMs);
  expect((await lab.dial(early, atlas!, server)).isOpen).toBe(true);
});

test('a node that is removed loses its links, and no other does', async () => {
  const link = await lab.dial(bolt!, atlas!, server);
  lab.admitted.delete('bolt');
  server.recheck();
  expect(await link.closed).toMatchObject({ code: 'NOT_ADMITTED' });
});

test('a node that is removed while it shakes hands is not let in', async () => {
  await lab.dial(bolt!, atlas!, server);
  // The one that is there answers nothing: the next one waits until that is clear.
  const frozen = [...server.links].find(({ peer }) => peer.node === 'bolt') as SocketLink;
  frozen.answers = () => {
    lab.admitted.delete('bolt');
    return Promise.resolve(false);
  };
  expect((await refusal(lab.dial(as({ run: 'the next' }), atlas!, server))).code).toBe('NOT_ADMITTED');
  expect([...server.links].map(({ peer }) => peer.node)).not.toContain('bolt');
});

test('a server that closes waits for nobody, whatever stage they are at', async () => {
  const closing = await lab.serve(atlas!, { stepMs: 60_000 });
  const plain = connectTcp(closing.port, '127.0.0.1').on('error', () => undefined);
  const { certificate } = bolt!.identity;
  const quiet = new WebSocket(`wss://127.0.0.1:${closing.port}/links/log`, {
    ...certificate,
    rejectUnauthorized: false,
  });
  await once(quiet, 'open');
  const link = await lab.dial(bolt!, atlas!, closing);
  const gone = [once(plain, 'close'), once(quiet, 'close')];
  await closing.close();
  expect((await link.closed).code).toBe('STOPPING');
  await Promise.all(gone);
});

describe('a copy of a data directory on a second machine', () => {
  test('is refused while the first one lives', async () => {
    const first = await lab.dial(bolt!, atlas!, server);
    const error = await refusal(lab.dial(as({ run: 'the copy' }), atlas!, server));
    expect(error.code).toBe('DUPLICATE_NODE');
    expect(error.hint).toContain('copied');
    expect(first.isOpen).toBe(true);
    // Its own further links are none of the kind.
    expect((await lab.dial(bolt!, atlas!, server, { purpose: 'log' })).isOpen).toBe(true);
  });

  test('is refused by the node that it is a copy of', async () => {
    const copy = { ...atlas!, identity: { ...atlas!.identity, run: 'the copy' } };
    expect((await refusal(lab.dial(copy, atlas!, server))).code).toBe('DUPLICATE_NODE');
  });

  test('and one that was started again after a crash takes the place of what is left of it', async () => {
    const first = await lab.dial(bolt!, atlas!, server);
    // It answers nothing any more, and nobody has told the other end.
    const frozen = [...server.links].find(({ peer }) => peer.node === 'bolt');
    frozen?.pause();
    const second = await lab.dial(as({ run: 'the next' }), atlas!, server);
    expect(second.isOpen).toBe(true);
    expect(await frozen?.closed).toMatchObject({ code: 'REPLACED' });
    expect(await first.closed).toMatchObject({ code: 'LOST' });
  });
});

describe('a stranger', () => {
  const answerTo = async (socket: { read(): unknown } & NodeJS.ReadableStream): Promise<string> => {
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    return text;
  };
  const openTls = async (identity?: LinkIdentity) => {
    const own = identity && { cert: identity.certificate.cert, key: identity.certificate.key };
    const socket = connectTls({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false, ...own });
    await once(socket, 'secureConnect');
    return socket;
  };

  test('without a certificate is told so', async () => {
    const socket = await openTls();
    socket.write(
      'GET /links/log HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
        'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    expect(await answerTo(socket)).toMatch(/^HTTP\/1.1 403 [^]*NO_CERTIFICATE/);
    expect(told('NO_CERTIFICATE')).toHaveLength(1);
  });

  test('with a certificate that he made himself is told so', async () => {
    const [other, key] = [await createAuthority(Date.now()), createNodeKey()];
    // In the name of the lab's authority, by a key of his own.
    const authority = { cert: lab.authority.cert, key: other.key };
    const about = { node: 'bolt', cluster: 'lab', addresses: [], nowMs: Date.now() };
    const cert = await issueNode(authority, await makeRequest(key, 'bolt'), about);
    expect(keySha256(new X509Certificate(cert))).not.toBe(bolt!.keySha256);
    const socket = await openTls({ ...bolt!.identity, certificate: { cert, key } });
    socket.write(
      'GET /links/log HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n' +
        'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    expect(await answerTo(socket)).toContain('WRONG_CA');
  });

  test('who sends garbage instead of TLS is cut off', async () => {
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await answerTo(socket).catch(() => '');
    await until(() => told('NOT_TLS').length === 1);
  });

  test('who connects and says nothing is cut off, before TLS and after', async () => {
    const [plain, secure] = [connectTcp(server.port, '127.0.0.1'), await openTls()];
    await Promise.all([once(plain, 'close'), once(secure.resume(), 'close')]);
  });

  test('who sends garbage instead of a request is cut off', async () => {
    const socket = await openTls(bolt!.identity);
    socket.write('\0\0\0 garbage \r\n\r\n');
    await once(socket.resume(), 'close');
    expect(told('BAD_REQUEST')).toHaveLength(1);
  });

  test('who does not speak TLS 1.3 is cut off', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: server.port,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
    });
    await expect(once(socket, 'secureConnect')).rejects.toThrow();
    await until(() => told('NOT_TLS').length === 1);
  });

  test('who opens many connections gets no more than his share', async () => {
    const sockets = Array.from({ length: 100 }, () => connectTcp(server.port, '127.0.0.1'));
    const closed = sockets.map((socket) =>
      once(
        socket.on('error', () => undefined),
        'close',
      ),
    );
    await until(() => told('BUSY').length === 1);
    await Promise.all(closed);
    // They are forgotten once they are gone.
    expect((await lab.dial(bolt!, atlas!, server)).isOpen).toBe(true);
  });
});

test('who is refused again and again is told the same each time, and forgotten when gone', async () => {
  lab.admitted.delete('bolt');
  for (let i = 0; i < 70; i++) expect((await refusal(lab.dial(bolt!, atlas!, server))).code).toBe('NOT_ADMITTED');
});

describe('a node that goes mad', () => {
  /** A socket that got past the certificate, and speaks for itself. */
  const rawSocket = async (port = server.port): Promise<WebSocket> => {
    const { certificate } = bolt!.identity;
    const ws = new WebSocket(`wss://127.0.0.1:${port}/links/requests`, { ...certificate, rejectUnauthorized: false });
    await once(ws, 'open');
    return ws;
  };
  const answerOn = async (ws: WebSocket): Promise<Answer | undefined> => {
    const [data] = (await once(ws, 'message')) as [Buffer];
    return parseAnswer(data);
  };

  test('sends garbage instead of a hello, and is told so', async () => {
    const ws = await rawSocket();
    ws.send(Buffer.from([0xc1, 0xff, 0x00]));
    expect(await answerOn(ws)).toMatchObject({ refusal: { code: 'BAD_HELLO' } });
    await once(ws, 'close');
  });

  test('sends text instead of a hello, and is told so', async () => {
    const ws = await rawSocket();
    ws.send('hello');
    expect(await answerOn(ws)).toMatchObject({ refusal: { code: 'BAD_HELLO' } });
  });

  test('says nothing for five seconds, and is told so', async () => {
    const clock = new VirtualClock(Date.now());
    const patient = await lab.serve(atlas!, { clock });
    const ws = await rawSocket(patient.port);
    await until(() => ws.readyState === WebSocket.OPEN);
    let isAnswered = false;
    const answer = answerOn(ws).then((said) => {
      isAnswered = true;
      return said;
    });
    await clock.run(4900);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isAnswered).toBe(false);
    await clock.run(200);
    expect(await answer).toMatchObject({ refusal: { code: 'SILENT' } });
    await once(ws, 'close');
  });

  test('sends garbage after its hello, and loses that link only', async () => {
    const ws = await rawSocket();
    ws.send(packAnswer({ hello: helloOf(bolt!.identity, 'requests') }));
    expect(await answerOn(ws)).toHaveProperty('hello');
    const other = await lab.dial(bolt!, atlas!, server);
    ws.send('text');
    const [code, reason] = (await once(ws, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4000, 'BAD_FRAME']);
    expect(other.isOpen).toBe(true);
    await until(() => told('BAD_FRAME').length === 1);
  });

  test('sends a frame that is too large, and loses that link only', async () => {
    const ws = await rawSocket();
    ws.send(packAnswer({ hello: helloOf(bolt!.identity, 'requests') }));
    await answerOn(ws);
    const other = await lab.dial(bolt!, atlas!, server);
    ws.on('error', () => undefined);
    ws.send(Buffer.alloc(5 * 1024 * 1024));
    expect((await once(ws, 'close'))[0]).toBe(1009);
    expect(other.isOpen).toBe(true);
    await until(() => told('TOO_LARGE').length === 1);
  });
});

test('an address at which nobody listens is unreachable; one that is silent, or not wanted any more, says so', async () => {
  const { port } = await lab.serve(atlas!);
  await lab.close();
  expect((await refusal(lab.dial(bolt!, atlas!, { port }))).code).toBe('UNREACHABLE');
  lab = await SmallLab.create();
  [atlas, bolt] = [await lab.node('atlas'), await lab.node('bolt')];
  server = await lab.serve(atlas, { onLink: (link) => link.receive((frame) => void link.send(frame)) });
  good = await lab.dial(bolt, atlas, server);
  good.receive(() => void (echoed += 1));
  const silent = (await import('node:net')).createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const at = silent.address() as { port: number };
  const clock = new VirtualClock(Date.now());
  const dialing = refusal(lab.dial(bolt, atlas, at, { clock, timeoutMs: 700 }));
  await clock.run(701);
  expect((await dialing).code).toBe('TIMED_OUT');
  const control = new AbortController();
  const unwanted = refusal(lab.dial(bolt, atlas, at, { signal: control.signal }));
  control.abort();
  expect((await unwanted).code).toBe('ABORTED');
  silent.close();
});
