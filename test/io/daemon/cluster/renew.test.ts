/** A node whose certificate has run out, and those who sign it another one: over real links, with real certificates. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answerRenewals, Door } from '#io/daemon/cluster/door.ts';
import { tlsDirOf } from '#io/daemon/cluster/keys.ts';
import { renewCertificate } from '#io/daemon/cluster/renew.ts';
import { Roster } from '#io/daemon/cluster/roster.ts';
import { signingTime, type SigningTime } from '#io/daemon/cluster/signing-time.ts';
import type { NodeIni } from '#io/daemon/node-ini.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { overMesh } from '#io/lab/others.ts';
import type { RunningLab } from '#io/lab/running.ts';
import { Calls, Methods } from '#io/links/calls.ts';
import type { LinkIdentity } from '#io/links/identity.ts';
import { Mesh } from '#io/links/mesh.ts';
import type { LinkServer } from '#io/links/server.ts';
import { keepNodeCertificate } from '#io/pki/renewal.ts';
import { writeNodeCertificate } from '#io/pki/node-files.ts';
import { replaceFile } from '#io/stores/files.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';
import { dayMs, SmallLab, until, type TestNode } from '#test/io/links/small-lab.ts';

let lab: SmallLab;
let folder: string;
let meshes: Mesh[];
beforeEach(async () => {
  lab = await SmallLab.create();
  folder = await mkdtemp(join(tmpdir(), 'floatlab-renew-'));
  meshes = [];
});
afterEach(async () => {
  for (const mesh of meshes) await mesh.close();
  await lab.close();
  await rm(folder, { recursive: true });
});

const now =
  (aheadMs = 0) =>
  (): SigningTime => ({ nowMs: Date.now() + aheadMs, fromMs: Date.now() + aheadMs });
const endOf = (cert: string): number => Date.parse(new X509Certificate(cert).validTo);

/** A voter: it serves links and signs, by the time that it is given. */
async function voter(node: TestNode, all: readonly TestNode[], time: () => SigningTime, hasKey = true) {
  const name = node.identity.node;
  const dataDir = join(folder, name);
  await mkdir(tlsDirOf(dataDir), { recursive: true });
  const put = (file: string, pem: string): Promise<void> =>
    replaceFile(join(tlsDirOf(dataDir), file), Buffer.from(pem), { mode: 0o600 });
  await put('ca.crt', lab.authority.cert);
  if (hasKey) await put('ca.key', lab.authority.key);
  const known = all.map(({ identity, keySha256 }) => ({
    ...{ node: identity.node, name: identity.node, incarnation: 'first' },
    ...{ keySha256, addresses: ['127.0.0.1'], port: 7401 },
  }));
  await Roster.write(dataDir, known);
  const door = new Door({
    dataDir,
    lab: {} as RunningLab,
    others: new MemoryOthers(name, new Map(), () => false),
    roster: await Roster.open(dataDir, name),
    clock: realClock,
    random: realRandom,
    log: lab.log,
    time,
    ini: () => ({ lab: { id: 'lab' } }) as NodeIni,
  });
  const renewing = new Methods();
  answerRenewals(renewing, door, realClock);
  const server = await lab.serve(node, {
    onLink: (link) =>
      link.purpose === 'renew'
        ? void new Calls({ link, methods: renewing, log: lab.log })
        : void new Calls({ link, methods: new Methods(), log: lab.log }),
  });
  return { door, dataDir, server };
}

const at = (node: TestNode, { port }: { readonly port: number }) => ({
  ...{ node: node.identity.node, keySha256: node.keySha256 },
  addresses: [{ host: '127.0.0.1', port }],
});

function meshOf(identity: () => LinkIdentity, targets: Parameters<Mesh['setNodes']>[0]): Mesh {
  const mesh = new Mesh({ identity, clock: realClock, random: realRandom, log: lab.log });
  meshes.push(mesh);
  mesh.setNodes(targets);
  return mesh;
}

describe('a node whose certificate ran out 110 days ago', () => {
  let [atlas, vega]: TestNode[] = [];
  let identity: LinkIdentity;
  let server: LinkServer;
  beforeEach(async () => {
    [atlas, vega] = [await lab.node('atlas', {}, 200 * dayMs), await lab.node('vega')];
    ({ identity } = atlas!);
    ({ server } = await voter(vega!, [atlas!, vega!], now()));
  });

  test('gets no link, has it renewed by a voter all the same, and is linked without a restart', async () => {
    const mesh = meshOf(() => identity, [at(vega!, server)]);
    const dir = join(folder, 'atlas-tls');
    await mkdir(dir);
    await writeNodeCertificate(dir, identity.certificate.cert);
    await until(() => mesh.problemOf('vega')?.includes('ran out') === true, 'a refusal');
    const own = await lab.serve(atlas!);
    const before = lab.dial(vega!, atlas!, own);
    await expect(before).rejects.toMatchObject({ code: 'EXPIRED', isTheirs: false });

    const others = overMesh(mesh, 'atlas');
    const parts = { dataDir: join(folder, 'none'), others, mesh, door: { renew: never }, voters: () => ['vega'] };
    const stop = keepNodeCertificate({
      dir,
      node: 'atlas',
      key: identity.certificate.key,
      caCert: () => lab.authority.cert,
      renew: (wish, signal) => renewCertificate(parts, wish, signal),
      onRenewed: (certificate) => {
        identity = { ...identity, certificate };
        own.setIdentity(identity);
      },
      onFailed: (error) => expect.unreachable(String(error)),
      clock: realClock,
      random: realRandom,
    });
    await until(() => mesh.reachable.includes('vega'), 'a link');
    stop();
    expect(endOf(identity.certificate.cert)).toBeGreaterThan(Date.now() + 89 * dayMs);
    expect((await lab.dial(vega!, atlas!, own)).isOpen).toBe(true);
  });

  test('may ask for that alone, and gets none for another key', async () => {
    const mesh = meshOf(() => identity, [at(vega!, server)]);
    const signal = AbortSignal.timeout(5000);
    await expect(mesh.callOnce('vega', 'requests', 'renew', Buffer.from(''), signal)).rejects.toMatchObject({
      code: 'EXPIRED',
    });
    const { csr } = await wishOf(await lab.stranger('atlas'));
    await expect(mesh.callOnce('vega', 'renew', 'renew', Buffer.from(csr), signal)).rejects.toMatchObject({
      code: 'NOT_ADMITTED',
    });
  });
});

const never = (): Promise<string> => Promise.reject(new Error('it has no key'));

async function wishOf({ identity }: TestNode, lastsMs = 0) {
  const { makeRequest } = await import('#io/pki/node-certificate.ts');
  const problems: string[] = [];
  const problemOf = (cert: string): string | undefined => {
    if (endOf(cert) > lastsMs) return undefined;
    problems.push(new Date(endOf(cert)).toISOString());
    return 'it ends before the present one';
  };
  return { csr: await makeRequest(identity.certificate.key, identity.node), problemOf, problems };
}

describe('of voters of which one has a clock that is behind', () => {
  test('the next one is asked, also by a voter that could sign for itself', async () => {
    const nodes = await Promise.all(['atlas', 'late', 'vega'].map((name) => lab.node(name)));
    const [atlas, late, vega] = nodes as [TestNode, TestNode, TestNode];
    const lateVoter = await voter(late, nodes, now(-200 * dayMs));
    const keyless = await lab.node('mute');
    const mute = await voter(keyless, nodes, now(), false);
    const { server } = await voter(vega, nodes, now());
    const targets = [at(late, lateVoter.server), at(keyless, mute.server), at(vega, server)];
    const voters = (): readonly string[] => ['late', 'mute', 'vega'];
    const lastsMs = endOf(atlas.identity.certificate.cert) - dayMs;

    const mesh = meshOf(() => atlas.identity, targets);
    const parts = {
      dataDir: join(folder, 'none'),
      others: overMesh(mesh, 'atlas'),
      mesh,
      door: { renew: never },
      voters,
    };
    const wish = await wishOf(atlas, lastsMs);
    expect(endOf(await renewCertificate(parts, wish, AbortSignal.timeout(5000)))).toBeGreaterThan(lastsMs);
    expect(wish.problems).toHaveLength(1);

    const ownMesh = meshOf(() => late.identity, targets);
    const own = { ...parts, ...lateVoter, others: overMesh(ownMesh, 'late'), mesh: ownMesh };
    const wishOfLate = await wishOf(late, lastsMs);
    expect(endOf(await renewCertificate(own, wishOfLate, AbortSignal.timeout(5000)))).toBeGreaterThan(lastsMs);
    expect(wishOfLate.problems).toHaveLength(1);

    const alone = { ...parts, voters: () => ['late'] };
    await expect(renewCertificate(alone, wish, AbortSignal.timeout(5000))).rejects.toThrow(
      'it ends before the present',
    );
  });
});

describe('certificates are signed', () => {
  const clock = { now: () => 5000 };

  test('by what most voters say, whatever this machine shows', () => {
    expect(signingTime({ agreed: () => ({ now: 900 }), logNow: () => 10 }, clock)).toEqual({ nowMs: 900, fromMs: 900 });
  });

  test('where nobody can be asked, by the later of clock and history, and good by the earlier one, too', () => {
    const nobody = () => undefined;
    expect(signingTime({ agreed: nobody, logNow: () => 10 }, clock)).toEqual({ nowMs: 5000, fromMs: 10 });
    expect(signingTime({ agreed: nobody, logNow: () => 9000 }, clock)).toEqual({ nowMs: 9000, fromMs: 5000 });
  });
});
