/**
 * From a request to its answer: who asks (host, session, origin), then the one handler of the route that the table
 * names, then the headers that every answer has. Anything that is thrown on the way becomes a problem.
 */
import { pageKeyHeader, pathParams, routes } from '#io/contract/routes.ts';
import type { Route } from '#io/contract/routes/route.ts';
import { Hono } from 'hono';
import { answersTo, isSameOrigin, type HostNames } from './auth/hosts.ts';
import { isMetricsToken } from './auth/metrics-token.ts';
import { presentedBy, whyNot } from './auth/sessions.ts';
import { isCollected, isOpen } from './openapi.ts';
import type { HttpEnv, Parts, RouteContext } from './parts.ts';
import { asProblem, fail, failed, problemResponse } from './problems.ts';
import { appLogs, composeFile, composeSchemaAnswer, validateCompose } from './routes/app.ts';
import { attachBackupTarget, backupFiles, backupKit } from './routes/backups.ts';
import { listBackupContent, readBackupContent } from './routes/backup-content.ts';
import { clusterStatus, transferLeadership } from './routes/cluster.ts';
import { commandHandler, isCommandRoute } from './routes/command.ts';
import { events, objectHistory } from './routes/events.ts';
import { exportVolume, importVolume } from './routes/archives.ts';
import { diffFiles, listFiles, readFile } from './routes/files.ts';
import { UsedKeys } from './routes/idempotency.ts';
import { makeJoinToken } from './routes/join-token.ts';
import { saveSnapshot } from './routes/snapshot.ts';
import { waitOperation } from './routes/operation.ts';
import { listProjects, planAdoption } from './routes/adoption.ts';
import { listDisks, listVolumeCandidates, showPool } from './routes/pools.ts';
import { previewRetention } from './routes/retention.ts';
import { listForeignSnapshots } from './routes/foreign-snapshots.ts';
import { previewRollback } from './routes/rollback.ts';
import { changePassword, signIn, signOut, whoami } from './routes/session.ts';
import { setDisk, setPower, simulatedMachines } from './routes/simulation.ts';
import { health, metrics, openApi, ready } from './routes/system.ts';
import { deleteObject, getObject, headObject, listObjects, putObject } from './routes/vaults.ts';
import { isViewRoute, viewHandler } from './routes/view.ts';
import { why } from './routes/why.ts';
import { safeHeaders } from './static/policy.ts';
import { serveWeb } from './static/serve.ts';
import type { WebFile } from './static/web-files.ts';

export interface AppOptions {
  readonly names: HostNames;
  readonly web: ReadonlyMap<string, WebFile>;
}

export function httpApp(parts: Parts, { names, web }: AppOptions): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  const answer = answers(parts);

  app.use(async (c, next) => {
    const requestId = parts.random.id();
    c.set('requestId', requestId);
    const startedAt = parts.clock.monotonicMs();
    await next();
    for (const [name, value] of Object.entries(safeHeaders)) c.res.headers.set(name, value);
    c.res.headers.set('x-request-id', requestId);
    const tookMs = Math.round(parts.clock.monotonicMs() - startedAt);
    parts.log.debug({ requestId, method: c.req.method, path: c.req.path, status: c.res.status, tookMs }, 'answered');
  });
  app.use(async (c, next) => {
    if (!answersTo(c.req.header('host'), names, 'encrypted' in c.env.incoming.socket)) throw wrongHost(c);
    await next();
  });

  for (const route of routes) {
    app.on(route.method.toUpperCase(), route.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      await identify(parts, names, c, route);
      return answer(c, route);
    });
  }
  app.notFound((c) => serveWeb(web, c) ?? problemResponse(noRoute(c.req.method, c.req.path, web).problem));
  app.onError((error, c) => {
    const expected = asProblem(error);
    const requestId = c.get('requestId');
    if (!expected) {
      const isGone = c.req.raw.signal.aborted;
      const about = { requestId, method: c.req.method, path: c.req.path, error: error.stack ?? String(error) };
      if (isGone) parts.log.debug(about, 'the client went away');
      else parts.log.error(about, 'request failed');
    }
    return problemResponse(expected ?? failed(requestId));
  });
  return app;
}

/** @throws ProblemError NOT_SIGNED_IN, FORBIDDEN */
async function identify(parts: Parts, names: HostNames, c: RouteContext, route: Route): Promise<void> {
  const presented = presentedBy({
    authorization: c.req.header('authorization'),
    cookie: c.req.header('cookie'),
    pageKey: c.req.header(pageKeyHeader),
  });
  if (isCollected(route) && isMetricsToken(presented, parts.metricsToken)) return;
  const mayBeNobody = isOpen(route);
  const session = presented && (await parts.sessions.verify(presented));
  c.set('session', session);
  if (!session && !mayBeNobody) {
    throw fail('NOT_SIGNED_IN', whyNot(presented), { hint: 'Sign in: floatlab login, or the web app.' });
  }
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return;
  const sent = { host: c.req.header('host'), origin: c.req.header('origin'), site: c.req.header('sec-fetch-site') };
  // Whoever signs in by a page of another site would work in a session that is not his own.
  const isFromPage = presented?.via === 'cookie' || (mayBeNobody && (sent.origin ?? sent.site) !== undefined);
  if (isFromPage && !isSameOrigin(sent, names)) {
    throw fail('FORBIDDEN', 'This request does not come from a page of this server.', {
      hint: 'Programs send the token in the Authorization header instead of the cookie.',
    });
  }
}

type Answer = (c: RouteContext, route: Route) => Response | Promise<Response>;

function answers(parts: Parts): Answer {
  const usedKeys = new UsedKeys(parts.clock);
  const runCommand = commandHandler(parts, usedKeys);
  const readView = viewHandler(parts);
  return (c, route) => {
    if (isCommandRoute(route)) return runCommand(c, route);
    if (isViewRoute(route)) return readView(c, route);
    if (!('special' in route.action)) throw new Error(`route ${route.id} does nothing`);
    switch (route.action.special) {
      case 'sign-in':
        return signIn(parts, c);
      case 'sign-out':
        return signOut(parts, c);
      case 'whoami':
        return whoami(parts, c);
      case 'change-password':
        return changePassword(parts, c);
      case 'compose-file':
        return composeFile(parts, c);
      case 'validate-compose':
        return validateCompose(parts, c);
      case 'compose-schema':
        return composeSchemaAnswer(c);
      case 'app-logs':
        return appLogs(parts, c);
      case 'object-history':
        return objectHistory(parts, c);
      case 'why':
        return why(parts, c);
      case 'events':
        return events(parts, c);
      case 'wait-operation':
        return waitOperation(parts, c);
      case 'health':
        return health(c);
      case 'ready':
        return ready(parts, c);
      case 'metrics':
        return metrics(parts, c);
      case 'openapi':
        return openApi(c);
      case 'preview-retention':
        return previewRetention(parts, c);
      case 'preview-rollback':
        return previewRollback(parts, c);
      case 'list-foreign-snapshots':
        return listForeignSnapshots(parts, c);
      case 'list-files':
        return listFiles(parts, c);
      case 'read-file':
        return readFile(parts, c);
      case 'diff-files':
        return diffFiles(parts, c);
      case 'export-volume':
        return exportVolume(parts, c);
      case 'import-volume':
        return importVolume(parts, c);
      case 'list-disks':
        return listDisks(parts, c);
      case 'list-volume-candidates':
        return listVolumeCandidates(parts, c);
      case 'list-projects':
        return listProjects(parts, c);
      case 'plan-adoption':
        return planAdoption(parts, c);
      case 'show-pool':
        return showPool(parts, c);
      case 'cluster-status':
        return clusterStatus(parts, c);
      case 'transfer-leadership':
        return transferLeadership(parts, c);
      case 'make-join-token':
        return makeJoinToken(parts, usedKeys, c);
      case 'save-snapshot':
        return saveSnapshot(parts, c);
      case 'simulated-machines':
        return simulatedMachines(parts, c);
      case 'backup-kit':
        return backupKit(parts, c);
      case 'attach-backup-target':
        return attachBackupTarget(parts, c);
      case 'backup-files':
        return backupFiles(parts, c);
      case 'list-backup-content':
        return listBackupContent(parts, c);
      case 'read-backup-content':
        return readBackupContent(parts, c);
      case 'list-vault-objects':
        return listObjects(parts, c);
      case 'head-vault-object':
        return headObject(parts, c);
      case 'get-vault-object':
        return getObject(parts, c);
      case 'put-vault-object':
        return putObject(parts, c);
      case 'delete-vault-object':
        return deleteObject(parts, c);
      case 'set-disk':
        return setDisk(parts, c);
      case 'set-power':
        return setPower(parts, c);
    }
  };
}

const wrongHost = (c: RouteContext): Error =>
  fail('FORBIDDEN', `This server does not answer to the name ${(c.req.header('host') ?? '').slice(0, 100)}.`, {
    hint: 'Reach it as localhost or 127.0.0.1, or tell it the name: npm start -- --host-name NAME',
  });

const patterns = routes.map(({ method, path }) => ({
  method: method.toUpperCase(),
  path: new RegExp(
    `^${pathParams(path).reduce((text, name) => text.replace(`{${name}}`, '[^/]+'), path.replaceAll('.', '\\.'))}$`,
  ),
}));

function noRoute(method: string, path: string, web: ReadonlyMap<string, WebFile>): ReturnType<typeof fail> {
  const others = patterns.filter((pattern) => pattern.path.test(path)).map((pattern) => pattern.method);
  const detail = `There is no ${method} ${path.slice(0, 200)}.`;
  if (others.length > 0) return fail('NO_SUCH_ROUTE', detail, { hint: `This path takes ${others.join(', ')}.` });
  if (path.startsWith('/api/'))
    return fail('NO_SUCH_ROUTE', detail, { hint: '/api/v1/openapi.json lists what there is.' });
  return fail('NO_SUCH_ROUTE', detail, web.size === 0 ? { hint: 'The web app was not built: npm run build.' } : {});
}
