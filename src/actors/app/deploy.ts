/**
 * A compose file becomes an app, or its next revision. Everything is parsed here, before anything is appended; what
 * the fold stores is the result. Volumes come first: existing ones that were kept are attached again.
 *
 * Whoever sends no files means those of the last revision: an editor has the text alone, and must not lose the `.env`
 * beside it.
 */
import { streamOf, type AnyDraft } from '#events/envelope.ts';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import type { Bundle } from '../compose/model.ts';
import { namedApp, readCompose } from '../compose/read.ts';
import { problemWords } from '../compose/render.ts';
import { draft, drafts, newMetadata, startOperation, unchanged } from '../drafting.ts';
import { namespaceExists, noNamespace } from '../namespace/decide.ts';
import { reject, type Rejection } from '../rejection.ts';
import { liveInstance, wantsToRun } from './actor.ts';
import { changeWords, compareRevisions } from './changes.ts';
import { packFiles, unpackFiles, type Files } from './files.ts';
import { refuseTakenPorts } from './ports.ts';
import { refusePlacement } from './ties.ts';
import { planVolumes } from './volumes.ts';

type Input = Commands['deploy-app'];

/** What the present revision is made of: to go on from its files, and to tell what changes. */
export function deployReads(input: Input, lab: LabView): readonly string[] {
  const app = appMeant(input, lab);
  if (!app) return [];
  const { bundle, files } = app.context;
  return files === null ? [bundle] : [bundle, files];
}

/** As far as it can be known before the files are. */
export function appMeant(
  input: Pick<Input, 'namespace' | 'name' | 'fileName' | 'compose' | 'files'>,
  lab: LabView,
): ActorState<'app'> | undefined {
  const name = input.name ?? namedApp({ fileName: input.fileName, text: input.compose, files: input.files ?? {} });
  return name === undefined ? undefined : lab.byName('app', input.namespace, name);
}

export function deploy(ask: Ask<Input>, lab: LabView): Decision {
  const { input } = ask;
  if (!namespaceExists(lab, input.namespace)) return noNamespace(input.namespace);
  const meant = appMeant(input, lab);
  const found = input.files ? { files: input.files } : filesOf(meant, ask);
  if ('rejected' in found) return found;
  const { files } = found;
  const read = readCompose({ fileName: input.fileName, text: input.compose, files });
  if ('findings' in read) {
    const { findings } = read;
    return { rejected: { code: 'COMPOSE_INVALID', explain: problemWords(findings), findings } };
  }
  const name = input.name ?? read.app.name;
  if (name === undefined) {
    return reject(
      'INVALID',
      `${input.fileName} does not say how the app is called.`,
      'Write `name: photos` at its top, or give a name.',
    );
  }
  const existing = lab.byName('app', input.namespace, name);
  if (input.files === undefined && meant?.stream !== existing?.stream) {
    return reject('INVALID', `The name of app ${name} depends on files that were not sent.`, 'Send them, or a name.');
  }
  return revise(ask, lab, { ...read.app, name, existing, files });
}

/** The files of the last revision. */
function filesOf(
  app: ActorState<'app'> | undefined,
  { content }: Pick<Ask<Input>, 'content'>,
): { readonly files: Files } | { readonly rejected: Rejection } {
  if (!app) return { files: {} };
  const stored = app.context.files === null ? undefined : content(app.context.files);
  if (stored) return { files: unpackFiles(stored) };
  const { name } = app.context.metadata;
  return reject(
    'NOT_FOUND',
    `The files beside the compose file of app ${name} are not at hand.`,
    'Deploy it once with them, from its folder: floatlab up.',
  );
}

interface Wanted {
  readonly name: string;
  readonly existing: ActorState<'app'> | undefined;
  readonly files: Files;
  readonly spec: ActorState<'app'>['context']['spec'];
  readonly bundle: Bundle;
}

function revise(ask: Ask<Input>, lab: LabView, { name, existing, files, spec, bundle }: Wanted): Decision {
  const { input } = ask;
  if (existing?.state === 'stopping' && input.start) {
    return reject('NOT_NOW', `App ${name} is stopping.`, 'Try again when it has stopped.');
  }
  if (existing?.state === 'removing') {
    return reject('NOT_NOW', `App ${name} is being removed.`, 'Try again when it is gone.');
  }
  const stream = existing?.stream ?? streamOf('app', ask.id(1));
  const misplaced = refusePlacement(name, spec, existing, lab);
  if (misplaced) return misplaced;
  const volumes = planVolumes(ask, lab, { stream, name, spec, existing });
  if ('rejected' in volumes) return volumes;

  const revision = {
    spec,
    compose: ask.blob(utf8ToBytes(input.compose)),
    bundle: ask.blob(utf8ToBytes(JSON.stringify(bundle))),
    files: ask.blob(packFiles(files)),
    volumes: volumes.streams,
  };
  const starts = input.start && (existing === undefined || existing.state === 'stopped' || existing.state === 'failed');
  const isNew = !existing || volumes.drafts.length > 0 || !isSame(existing.context, revision);
  if (!isNew && !starts) return unchanged;
  if (starts || (existing && wantsToRun(existing.state))) {
    const streams = Object.values(volumes.streams);
    const taken = refuseTakenPorts({ stream, namespace: input.namespace, spec, volumes: streams }, lab);
    if (taken) return taken;
  }

  const operation = startOperation(ask, 'deploy-app', stream, name, input.namespace);
  const start = starts ? [draft(stream, 'app.start-requested', {})] : [];
  // Volumes first: whoever sees the app sees what it stands on.
  if (!existing) {
    const metadata = newMetadata(ask.id(1), name, input.namespace);
    return drafts(operation, volumes.drafts, draft(stream, 'app.created', { metadata, ...revision }), start);
  }
  if (!isNew) return drafts(operation, start);
  const before = { spec: existing.context.spec, ...storedOf(existing, ask) };
  const changes = changeWords(compareRevisions(before, { spec, bundle, files }), wantsToRun(existing.state));
  return { drafts: [operation, ...volumes.drafts, ...updateOf(existing, revision, input.start, lab)], changes };
}

type Revision = Extract<AnyDraft, { type: 'app.updated' }>['data'];

function updateOf(app: ActorState<'app'>, revision: Revision, starts: boolean, lab: LabView): readonly AnyDraft[] {
  const { stream, state } = app;
  const update = draft(stream, 'app.updated', revision);
  // A failed app goes on with the new revision at once, unless that was not asked for.
  if (state === 'failed' && !starts) {
    const stopped = liveInstance(stream, lab) ? [] : [draft(stream, 'app.stopped', {})];
    return [draft(stream, 'app.stop-requested', {}), ...stopped, update];
  }
  return state === 'stopped' && starts ? [update, draft(stream, 'app.start-requested', {})] : [update];
}

const isSame = (known: Pick<Revision, 'compose' | 'bundle' | 'files'>, revision: Revision): boolean =>
  known.compose === revision.compose && known.bundle === revision.bundle && known.files === revision.files;

/** Of an app that is there, as far as it is at hand. */
function storedOf({ context }: ActorState<'app'>, { content }: Pick<Ask<Input>, 'content'>) {
  const bundle = content(context.bundle);
  const files = context.files === null ? undefined : content(context.files);
  return {
    bundle: bundle && (JSON.parse(new TextDecoder().decode(bundle)) as Bundle),
    files: files && unpackFiles(files),
  };
}
