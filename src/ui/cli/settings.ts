/**
 * Which lab, as whom: options before the environment before the context. Pure.
 *
 * A token and a pinned CA belong to one server. They are used only for that server: another address on the command
 * line never gets what belongs to the context's.
 */
import { contextOf } from './context-of.ts';
import type { Context, Contexts } from './contexts.ts';
import { usageError } from './errors.ts';

export const defaultServer = 'http://127.0.0.1:7400';
const defaultPort = 7400;

export interface SettingsOptions {
  readonly server?: string | undefined;
  readonly context?: string | undefined;
}

export interface Settings {
  /** Scheme, host and port. */
  readonly server: string;
  readonly token: string | undefined;
  readonly ca: string | undefined;
  /** The context that they come from. */
  readonly context: string | undefined;
  /** From the environment or the context; an option says otherwise. */
  readonly namespace: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws usage error for a context that does not exist and for an address that is none */
export function resolveSettings(options: SettingsOptions, env: Env, contexts: Contexts): Settings {
  const chosen = options.context ?? said(env['FLOATLAB_CONTEXT']);
  const named = chosen ?? contexts.current;
  const context = named === undefined ? undefined : contexts.contexts[named];
  if (chosen !== undefined && !context) {
    throw usageError(`There is no context ${chosen}.`, 'floatlab context ls shows what there is.');
  }
  const address = options.server ?? said(env['FLOATLAB_SERVER']);
  const server = address === undefined ? (context?.server ?? defaultServer) : parseServer(address);
  const source = owner(server, named, context, contexts, chosen !== undefined);
  return {
    server,
    token: said(env['FLOATLAB_TOKEN']) ?? source?.[1].token,
    ca: source?.[1].ca,
    context: source?.[0],
    namespace: said(env['FLOATLAB_NAMESPACE']) ?? source?.[1].namespace,
  };
}

/** What a command has to say to mean this lab; undefined when saying nothing means it too. */
export function labWords(
  settings: Settings,
  options: SettingsOptions,
  env: Env,
  contexts: Contexts,
): string | undefined {
  if (options.server === undefined && options.context === undefined) return undefined;
  const usual = usualSettings(env, contexts);
  if (usual?.server === settings.server && usual.context === settings.context) return undefined;
  return options.server === undefined ? `--context ${settings.context}` : `--server ${settings.server}`;
}

function usualSettings(env: Env, contexts: Contexts): Settings | undefined {
  try {
    return resolveSettings({}, env, contexts);
  } catch {
    // The environment names what there is not: only an option gets anywhere.
    return undefined;
  }
}

const said = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

/** The context whose token and CA are for this server. */
function owner(
  server: string,
  named: string | undefined,
  context: Context | undefined,
  contexts: Contexts,
  onlyNamed: boolean,
): readonly [string, Context] | undefined {
  if (named !== undefined && context?.server === server) return [named, context];
  if (onlyNamed) return undefined;
  return contextOf(server, contexts);
}

/** `atlas.lab` → `https://atlas.lab:7400`; a loopback address without a scheme means plain HTTP. */
export function parseServer(text: string): string {
  const hasScheme = /^https?:\/\//i.test(text);
  const url = urlOf(hasScheme ? text : `https://${text}`);
  if (
    !url ||
    url.username !== '' ||
    url.password !== '' ||
    (url.pathname !== '/' && url.pathname !== '') ||
    url.search
  ) {
    throw usageError(`${text} is not the address of a lab.`, 'Write for example https://atlas.lab:7400.');
  }
  if (hasScheme) return url.origin;
  if (url.port === '' && !text.endsWith(':443')) url.port = String(defaultPort);
  return isLoopback(url.hostname) ? `http://${url.host}` : url.origin;
}

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);

/** Plain HTTP is for this machine: elsewhere a password or token could be read on the way. */
export function refusePlainHttp(server: string): void {
  const url = new URL(server);
  if (url.protocol === 'https:' || isLoopback(url.hostname)) return;
  throw usageError(
    `${server} is plain HTTP: a password or token would cross the network for everybody to read.`,
    `Use ${server.replace('http:', 'https:')}.`,
  );
}

function urlOf(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
