/**
 * Joins this machine to a lab, once: draws who it is, shows the token, and keeps what it is told. What it draws it keeps
 * before it asks, so that a machine whose answer was lost asks again as the same one.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { protocolVersions } from '#actors/versions.ts';
import type { NodeFacts } from '#events/node.ts';
import type { Labels } from '#events/values/name.ts';
import { sleep, type Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import { IoError } from '../../devices/error.ts';
import { JoinError, requestJoin, type JoinRequest, type LabToJoin } from '../../links/join.ts';
import { makeRequest } from '../../pki/node-certificate.ts';
import { ensureNodeKey } from '../../pki/node-files.ts';
import { replaceFile } from '../../stores/files.ts';
import { writeNodeIni, type NodeIni } from '../node-ini.ts';
import { waiting, welcome, type JoinBody, type Welcome } from './joining.ts';
import { keepJoined, keepSealedRecovery, tlsDirOf } from './keys.ts';
import { Roster } from './roster.ts';

export interface JoinOptions {
  readonly dataDir: string;
  readonly lab: LabToJoin;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly facts: NodeFacts;
  /** What it says of itself: rules of the bouncer go by it. */
  readonly labels: Labels;
  readonly isWitness: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** A person has to say yes, and is waited for. */
  onWaiting(): void;
}

const drawn = z.object({ node: z.string(), incarnation: z.string() });

/** @returns the node.ini that this machine has from now on. @throws IoError */
export async function joinLab(options: JoinOptions): Promise<{ readonly ini: NodeIni; readonly lab: string }> {
  const { dataDir, lab, clock, signal } = options;
  const self = await drawIdentity(options);
  const key = await ensureNodeKey(tlsDirOf(dataDir));
  const { name, addresses, port, facts, labels, isWitness } = options;
  const body: Omit<JoinBody, 'csr' | 'token' | 'again'> = {
    ...self,
    name,
    addresses: [...addresses],
    port,
    facts,
    labels,
    role: isWitness ? 'witness' : 'any',
    protocol: protocolVersions,
    clock: Math.floor(clock.now()),
  };
  const request = { token: lab, csr: await makeRequest(key, self.node), body, clock, signal };
  const told = await askUntilTold(request, options);
  return { ini: await keep(options, self, told), lab: told.lab.name };
}

const askAgainMs = 3000;

/** Without a token it may take a person a while to say yes. */
async function askUntilTold(request: JoinRequest, { onWaiting, clock, signal }: JoinOptions): Promise<Welcome> {
  let answer = await ask(request);
  if (waiting.safeParse(answer).success) onWaiting();
  while (waiting.safeParse(answer).success) {
    await sleep(clock, askAgainMs, signal);
    signal.throwIfAborted();
    answer = await ask({ ...request, body: { ...request.body, again: true } }).catch(unlessItPasses(answer));
  }
  return welcome.parse(answer);
}

/** While a machine waits a leader may change, a node be restarted, a crowd be at the door: it waits on. */
const unlessItPasses =
  (before: unknown) =>
  (error: unknown): unknown => {
    const { code } = ((error as { readonly cause?: unknown }).cause ?? {}) as { readonly code?: unknown };
    if (passing.has(code)) return before;
    throw error;
  };
const passing = new Set<unknown>(['UNREACHABLE', 'LOST', 'NO_LEADER', 'TOO_MANY_ATTEMPTS']);

async function ask(request: JoinRequest): Promise<unknown> {
  try {
    return await requestJoin(request);
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    throw new IoError(error.isRefusal ? 'INVALID' : 'FAILED', {
      op: 'join',
      target: 'the lab',
      message: `this machine did not become a node of the lab: ${error.message} (${error.code})`,
      hint: error.hint,
      cause: error,
    });
  }
}

const drawnPath = (dataDir: string): string => join(dataDir, 'joining.json');

/** The same for every try. */
async function drawIdentity({ dataDir, random }: JoinOptions): Promise<z.infer<typeof drawn>> {
  const path = drawnPath(dataDir);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined) {
    try {
      return drawn.parse(JSON.parse(text));
    } catch {
      // Cut off by a crash: nobody was told.
    }
  }
  const self = { node: random.id(), incarnation: random.id() };
  await mkdir(dataDir, { recursive: true });
  await replaceFile(path, Buffer.from(JSON.stringify(self)), { mode: 0o600 });
  return self;
}

/** The identity last: with it the next start is one of a node, and everything else is there. */
async function keep(
  { dataDir, name, isWitness }: JoinOptions,
  { incarnation }: z.infer<typeof drawn>,
  told: Welcome,
): Promise<NodeIni> {
  const { node, lab, admin } = told;
  await keepJoined(dataDir, { cert: told.certificate, caCert: told.caCert });
  if (told.recovery !== undefined) await keepSealedRecovery(dataDir, Buffer.from(told.recovery, 'base64'));
  await Roster.write(dataDir, told.peers);
  const ini: NodeIni = {
    node: { id: node, name, incarnation, isWitness },
    lab: {
      id: lab.id,
      generation: lab.generation,
      wasJoined: true,
      dataKey: bytes(lab.dataKey),
    },
    admin: { ...admin, passwordWasShown: true },
  };
  await writeNodeIni(dataDir, ini);
  await rm(drawnPath(dataDir), { force: true });
  return ini;
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
