/**
 * Plain requests at the node port: `POST` of a JSON object, answered with one. Meant for those who have no certificate
 * of the lab yet, so that everything about them is bounded: size, number, time (by the server).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface PlainRequest {
  readonly path: string;
  /** Parsed JSON, from a stranger. */
  readonly body: unknown;
  readonly remoteAddress: string;
  /** Aborted when the other end has gone. */
  readonly signal: AbortSignal;
}

export interface PlainResponse {
  readonly status: number;
  /** To be written as JSON. */
  readonly body: unknown;
}

export type RequestHandler = (request: PlainRequest) => Promise<PlainResponse>;

/** Without port; IPv4 as such. */
export const addressOf = (socket: { readonly remoteAddress?: string | undefined }): string =>
  socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'unknown';

const maxRequestBytes = 64 * 1024;

/** Never rejects. @param told who asked, and what is wrong with that */
export async function answerRequest(
  handler: RequestHandler | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  told: (remoteAddress: string, explain: string) => void,
): Promise<void> {
  const remoteAddress = addressOf(request.socket);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answer = ({ status, body }: PlainResponse): void => {
    if (response.destroyed) return;
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(body));
  };
  const refuse = (status: number, code: string, explain: string): void => {
    told(remoteAddress, explain);
    answer({ status, body: { code, explain, hint: 'This port is for nodes of the lab; people use another one.' } });
  };
  try {
    if (!handler || request.method !== 'POST') return refuse(404, 'NOT_FOUND', 'there is nothing to ask at this port');
    const text = await textOf(request);
    if (text === undefined) return refuse(413, 'TOO_LARGE', `a request has more than ${maxRequestBytes} bytes`);
    const body = parse(text);
    if (body === undefined) return refuse(400, 'BAD_REQUEST', 'the body of a request is not JSON');
    const path = request.url?.split('?')[0] ?? '/';
    answer(await handler({ path, body, remoteAddress, signal: gone.signal }));
  } catch (error) {
    if (gone.signal.aborted) return;
    const explain = error instanceof Error ? error.message : String(error);
    told(remoteAddress, `a request failed: ${explain}`);
    answer({ status: 500, body: { code: 'FAILED', explain, hint: 'The log of the node says more.' } });
  }
}

/** What is too much is read and thrown away, so that the answer arrives; the server bounds the time. @returns undefined for it */
function textOf(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxRequestBytes) chunks.push(chunk);
      else resolve(undefined);
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
