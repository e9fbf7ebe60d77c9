/**
 * A compose file becomes a specification and a bundle: read, checked, converted. Median of several runs, and the first one
 * of the process (cold: nothing is compiled yet) by itself; beside the parser of YAML alone. To reach: 20 ms for 500
 * lines, 150 ms for 5,000.
 */
import { parse } from 'yaml';
import { readCompose } from '#actors/compose/read.ts';
import { median, type Row } from './table.ts';

const linesOfOne = 25;

/** Of 25 lines: as many services as fit. */
const service = (n: number): string => `  app${n}:
    image: ghcr.io/example/app${n}:1.${n}
    restart: unless-stopped
    depends_on:
      - base
    environment:
      - TZ=\${TZ:-Europe/Berlin}
      - PORT=80
      - URL=https://app${n}.lab
    env_file: app.env
    labels:
      traefik.enable: 'true'
      traefik.http.routers.app${n}.rule: Host(\`app${n}.lab\`)
    ports:
      - '${10_000 + n}:80'
      - target: 443
        published: ${20_000 + n}
    volumes:
      - data${n}:/data
      - ./conf/app${n}:/conf:ro
    healthcheck:
      test: [CMD, curl, -f, 'http://localhost/']
      interval: 30s
    mem_limit: 512m
    user: '1000:1000'
`;

function composeOf(lines: number): string {
  const count = Math.floor(lines / (linesOfOne + 1));
  const services = Array.from({ length: count }, (_, n) => service(n));
  const volumes = Array.from({ length: count }, (_, n) => `  data${n}:\n`);
  return `services:\n  base:\n    image: alpine:3\n${services.join('')}volumes:\n${volumes.join('')}`;
}

export function benchCompose(runs = 15): Row[] {
  const files = { 'app.env': { content: Buffer.from('A=1\nB=2\n').toString('base64'), mode: 0o644 } };
  return [500, 5000].flatMap((lines): Row[] => {
    const text = composeOf(lines);
    const read = (): number => {
      const began = performance.now();
      const result = readCompose({ fileName: 'compose.yaml', text, files });
      if ('findings' in result) throw new Error(result.findings.map(({ message }) => message).join(' '));
      return performance.now() - began;
    };
    const bare = (): number => {
      const began = performance.now();
      parse(text);
      return performance.now() - began;
    };
    const first = read();
    // A shorter file is over before V8 has compiled what reads it.
    const turns = { length: Math.ceil((runs * 5000) / lines) };
    const warm = Array.from(turns, read);
    const peer = median(Array.from(turns, bare));
    const what = `a compose file of ${text.split('\n').length - 1} lines`;
    return [
      { what, value: median(warm), unit: 'ms', peer, peerIs: 'the YAML parser alone' },
      ...(lines === 500 ? [{ what: 'the same, cold', value: first, unit: 'ms' }] : []),
    ];
  });
}
