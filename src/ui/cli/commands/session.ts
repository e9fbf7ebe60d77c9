/** Signing in and out. A password is asked for or piped in; it is never an argument, which others could read. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ApiError, UnreachableError } from '#ui/client/errors.ts';
import type { Command } from 'commander';
import { mustAsk } from '../ask.ts';
import type { Cli } from '../cli.ts';
import { fingerprintOf, presentedBy, sameFingerprint } from '../connect/certificate.ts';
import { contextName } from '../context-name.ts';
import { chosen, contextOf } from '../context-of.ts';
import { loadContexts, saveContexts, type Context } from '../contexts.ts';
import { CliError, reasonOf, usageError } from '../errors.ts';
import { examples, outputOptions, type LabOptions } from '../options.ts';
import { formatOf, isStructured, printFields, printStructured, type OutputOptions } from '../output/formats.ts';
import { momentWords } from '../output/words.ts';
import { defaultServer, parseServer, refusePlainHttp, resolveSettings, type Settings } from '../settings.ts';
import { readLines } from '../stdin.ts';

interface LoginOptions extends LabOptions {
  readonly user?: string;
  readonly passwordStdin?: boolean;
  readonly ca?: string;
  readonly fingerprint?: string;
  readonly as?: string;
}

export function addSessionCommands(program: Command, cli: Cli): void {
  const login = program
    .command('login')
    .description('sign in to a lab and remember it as a context')
    .argument('[server]', 'address of the lab, for example https://atlas.lab:7400')
    .option('-u, --user <name>', 'who signs in; with --password-stdin admin when it is left out')
    .option('--password-stdin', 'read the password from stdin')
    .option('--ca <file>', 'trust this authority (PEM) for this lab')
    .option('--fingerprint <sha256>', 'trust the authority with this fingerprint')
    .option('--as <context>', 'name of the context; host and port when it is left out');
  login.action((server: string | undefined, options: LoginOptions) => signIn(cli, options, server));
  examples(
    login,
    'floatlab login https://atlas.lab:7400',
    'pass floatlab | floatlab login https://atlas.lab:7400 --password-stdin --ca lab-ca.pem',
  );

  const logout = program.command('logout').description('sign out and forget the token');
  logout.action((options: LabOptions) => signOut(cli, options));
  examples(logout, 'floatlab logout', 'floatlab logout --context home');

  const whoami = program.command('whoami').description('who is signed in, and where');
  whoami.action((options: LabOptions & OutputOptions) => showSession(cli, options));
  examples(outputOptions(whoami, 'print the name only'), 'floatlab whoami', 'floatlab whoami -o json');

  const passwd = program
    .command('passwd')
    .description('change your password; ends your other sessions')
    .option('--password-stdin', 'read the old and the new password from stdin, a line each');
  passwd.action((options: LoginOptions) => changePassword(cli, options));
  examples(passwd, 'floatlab passwd', 'printf "%s\\n%s\\n" "$OLD" "$NEW" | floatlab passwd --password-stdin');
}

async function signIn(cli: Cli, options: LoginOptions, given: string | undefined): Promise<void> {
  const { ask, env } = cli.world;
  const contexts = await loadContexts(cli.contextsPath);
  const known = options.context === undefined ? undefined : contexts.contexts[options.context];
  const said = given ?? options.server ?? env['FLOATLAB_SERVER'] ?? known?.server;
  const server = parseServer(
    said ?? (ask.possible ? await ask.text('Address of the lab', defaultServer) : defaultServer),
  );
  refusePlainHttp(server);
  // The same one says who, what is trusted, and which context is signed in again.
  const before = options.context !== undefined && known?.server === server ? known : contextOf(server, contexts)?.[1];
  const ca = await authorityFor(cli, options, server, before?.ca);
  const user = options.user ?? (await whoSignsIn(cli, options, before?.user ?? usualUser));
  const password = options.passwordStdin ? await pipedPassword(cli) : await askPassword(cli, user, server);
  const lab = cli.labOf({ server, ca, token: undefined, context: undefined, namespace: undefined });
  const session = await lab.rest.signIn(user, password);
  if (session.token === undefined) {
    throw new CliError(
      'NO_TOKEN',
      1,
      `${server} accepted the password and sent no token.`,
      'Is it a lab, of a version that this floatlab knows?',
    );
  }
  const name =
    options.as ?? options.context ?? contextOf(server, contexts)?.[0] ?? contextName(server, contexts.contexts);
  const { namespace } = contexts.contexts[name] ?? {};
  const context: Context = {
    server,
    user: session.name,
    token: session.token,
    ...(ca === undefined ? {} : { ca }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  await saveContexts(cli.contextsPath, chosen(contexts, name, context));
  cli.print.talk(`Signed in to ${server} as ${session.name} until ${momentWords(session.expiresAt)}; context ${name}.`);
  if (session.initialPassword) {
    cli.print.labelled(
      'hint:  ',
      'This is still the password that the first start printed. Change it: floatlab passwd',
    );
  }
}

/** What is to be trusted for an https address: a file, an authority that is confirmed once, or what the system trusts. */
async function authorityFor(
  cli: Cli,
  options: LoginOptions,
  server: string,
  pinned: string | undefined,
): Promise<string | undefined> {
  if (options.ca !== undefined) return readAuthority(resolve(cli.world.cwd, options.ca));
  if (!server.startsWith('https:')) return undefined;
  const { trusted, authority } = await presentedBy(server, cli.world.interrupt);
  if (pinned !== undefined && options.fingerprint === undefined) {
    if (!authority || fingerprintOf(pinned) === authority.fingerprint) return pinned;
    cli.print.talk(`The authority of ${server} is not the one that you trusted before. If nobody has set the lab up`);
    cli.print.talk('anew, somebody else may be answering.');
  } else if (trusted && options.fingerprint === undefined) return undefined;
  if (!authority) {
    throw new CliError(
      'NO_AUTHORITY',
      1,
      `${server} does not present its authority.`,
      'Copy its CA certificate here and say --ca FILE.',
    );
  }
  if (options.fingerprint !== undefined) {
    if (sameFingerprint(options.fingerprint, authority.fingerprint)) return authority.pem;
    throw new CliError(
      'WRONG_FINGERPRINT',
      3,
      `The authority of ${server} has another fingerprint: ${authority.fingerprint}.`,
      'Do not sign in there before you know why.',
    );
  }
  mustAsk(cli.world.ask, `The authority of ${server} is not trusted yet`, 'Say --ca FILE or --fingerprint SHA256.');
  cli.print.talk(`The authority of ${server} is ${authority.subject}; its SHA-256 fingerprint is`);
  cli.print.talk(`  ${authority.fingerprint}`);
  cli.print.talk('Compare it with the one that the first start of the lab printed.');
  if (!(await cli.world.ask.confirm('Trust it for this lab?'))) {
    throw new CliError('DECLINED', 1, 'You declined: nothing was sent.');
  }
  return authority.pem;
}

async function readAuthority(path: string): Promise<string> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (error) {
    throw usageError(`--ca: ${path} cannot be read: ${reasonOf(error)}.`);
  }
  if (fingerprintOf(pem) === undefined) throw usageError(`--ca: ${path} holds no certificate in PEM form.`);
  return pem;
}

/** What the first start calls the administrator. */
const usualUser = 'admin';

/** Whoever pipes the password in is a script: it is not asked. */
async function whoSignsIn(cli: Cli, options: LoginOptions, usual: string): Promise<string> {
  if (options.passwordStdin) return usual;
  mustAsk(cli.world.ask, 'Somebody has to sign in', 'Pipe the password in with --password-stdin.');
  return cli.world.ask.text('Name', usual);
}

async function askPassword(cli: Cli, user: string, server: string): Promise<string> {
  mustAsk(cli.world.ask, 'A password is needed', 'Pipe it in with --password-stdin.');
  return cli.world.ask.secret(`Password of ${user} at ${server}`);
}

async function pipedPassword(cli: Cli): Promise<string> {
  const [password] = await readLines(cli.world);
  if (!password) throw usageError('No password was piped in.', 'pass floatlab | floatlab login --password-stdin …');
  return password;
}

async function signOut(cli: Cli, options: LabOptions): Promise<void> {
  const contexts = await loadContexts(cli.contextsPath);
  const settings = resolveSettings(options, cli.world.env, contexts);
  if (settings.token === undefined) return cli.print.talk(`You are not signed in to ${settings.server}.`);
  try {
    await cli.labOf(settings).rest.signOut();
  } catch (error) {
    const isOver = error instanceof ApiError && error.kind === 'unauthenticated';
    if (!isOver && !(error instanceof UnreachableError)) throw error;
    if (!isOver) cli.print.talk(`${settings.server} does not answer: the session ends there by itself.`);
  }
  const context = settings.context === undefined ? undefined : contexts.contexts[settings.context];
  if (settings.context !== undefined && context) {
    const { token: _, ...rest } = context;
    await saveContexts(cli.contextsPath, {
      ...contexts,
      contexts: { ...contexts.contexts, [settings.context]: rest },
    });
  }
  cli.print.talk(`Signed out of ${settings.server}.`);
}

async function showSession(cli: Cli, options: LabOptions & OutputOptions): Promise<void> {
  const lab = await cli.lab(options);
  const session = await lab.rest.whoami();
  const format = formatOf(options);
  if (options.quiet) return cli.print.data(session.name);
  if (isStructured(format)) return printStructured(cli.print, format, { ...session, server: lab.settings.server });
  return printFields(cli.print, [
    ['name', session.name],
    ['role', session.role],
    ['lab', lab.settings.server],
    ['context', lab.settings.context],
    ['until', momentWords(session.expiresAt)],
    ['password', session.initialPassword ? 'still the first one; floatlab passwd changes it' : null],
  ]);
}

async function changePassword(cli: Cli, options: LoginOptions): Promise<void> {
  const lab = await cli.lab(options);
  const [current, next] = options.passwordStdin ? await pipedPasswords(cli) : await askPasswords(cli);
  let token: string | undefined;
  try {
    ({ token } = await lab.rest.changePassword(current, next));
  } catch (error) {
    if (!(error instanceof UnreachableError && error.maybeSent)) throw error;
    throw new CliError(
      'OUTCOME_UNKNOWN',
      7,
      'No answer came: your password may be the old or the new one.',
      'Sign in with the new one first: floatlab login',
    );
  }
  await keepToken(cli, lab.settings, token);
  cli.print.talk('Your password is changed; your other sessions have ended.');
}

/** The token of before is not good any more. */
async function keepToken(cli: Cli, { context: name, token: old }: Settings, token: string | undefined): Promise<void> {
  const contexts = await loadContexts(cli.contextsPath);
  const context = name === undefined ? undefined : contexts.contexts[name];
  if (name === undefined || context === undefined || context.token !== old) {
    return cli.print.labelled('hint:  ', 'The token in FLOATLAB_TOKEN has ended with it: sign in again.');
  }
  const changed = { ...context, ...(token === undefined ? {} : { token }) };
  await saveContexts(cli.contextsPath, { ...contexts, contexts: { ...contexts.contexts, [name]: changed } });
}

async function askPasswords(cli: Cli): Promise<readonly [string, string]> {
  const { ask } = cli.world;
  mustAsk(ask, 'Passwords are needed', 'Pipe the old and the new one in with --password-stdin.');
  const current = await ask.secret('Present password');
  const next = await ask.secret('New password');
  if (next !== (await ask.secret('New password again')))
    throw usageError('The two new passwords differ: nothing was changed.');
  return [current, next];
}

async function pipedPasswords(cli: Cli): Promise<readonly [string, string]> {
  const [current, next] = await readLines(cli.world);
  if (current && next) return [current, next];
  throw usageError('Two lines are needed on stdin: the old and the new password.');
}
