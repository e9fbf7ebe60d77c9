/**
 * The image of the welcome app, made on the node: a new lab shows something without a registry or the internet.
 *
 * It holds one static busybox, a page, and a script that serves `/srv`. Its bytes depend on nothing but those, so
 * their hash is a second tag by which the next start sees that there is nothing to do.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pack } from 'tar-stream';
import type { Call } from '../devices/call.ts';
import type { DockerPort } from '../devices/docker/port.ts';
import { asIoError, IoError } from '../devices/error.ts';
import { run } from '../devices/run.ts';
import { welcomeIcon, welcomePage } from './welcome-page.ts';

const repository = 'floatlab/welcome';
export const welcomeImage = `${repository}:latest`;
export const debianBusybox = '/bin/busybox';

const applets = (
  '[ awk cat chmod cp cut date dd df du echo env false find grep head hostname httpd id kill less ln ls mkdir mv nc ' +
  'netstat nslookup ping printf ps pwd rm rmdir sed seq sh sleep sort stat sync tail tar test top touch tr true uname ' +
  'vi wc wget which yes'
).split(' ');

/** A shell as process 1 ignores SIGTERM unless told otherwise: without the trap every stop would take its whole grace. */
const script = `#!/bin/sh
for file in index.html icon.svg; do
  [ -e "/srv/$file" ] || cp "/usr/share/welcome/$file" "/srv/$file"
done
httpd -f -p 8080 -h /srv &
server=$!
trap 'kill "$server"; exit 0' TERM INT
wait "$server"
`;

const changes = [
  'CMD ["/bin/welcome"]',
  'EXPOSE 8080',
  'ENV PATH=/bin',
  'LABEL org.opencontainers.image.title=Welcome',
  'LABEL org.opencontainers.image.vendor=FloatLab',
];

/**
 * Makes the image unless the engine has it.
 * @throws MISSING when there is no busybox, INVALID when it is not static or lacks what the image needs
 */
export async function ensureWelcomeImage(
  docker: Pick<DockerPort, 'image' | 'importImage'>,
  options: { readonly busyboxPath?: string },
  call: Call,
): Promise<void> {
  const busybox = await staticBusybox(options.busyboxPath ?? debianBusybox, call);
  const tar = await rootFileSystem(busybox);
  const hash = createHash('sha256').update(tar).update(changes.join('\n')).digest('hex').slice(0, 12);
  const byHash = `${repository}:${hash}`;
  if ((await docker.image(byHash, call)) && (await docker.image(welcomeImage, call))) return;
  call.progress({ text: `making ${welcomeImage}` });
  // The hash comes last: it says that all before it was done.
  for (const reference of [welcomeImage, byHash]) await docker.importImage(once(tar), reference, changes, call);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

async function staticBusybox(path: string, call: Call): Promise<Buffer> {
  const about = { op: 'make the welcome image', target: path };
  const hint = 'Install it: "apt-get install busybox-static".';
  const bytes = await readFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asIoError(error, about.op, path);
    throw new IoError('MISSING', {
      ...about,
      message: `the welcome app is made from busybox, and ${path} is missing`,
      hint,
    });
  });
  const linking = linkingOf(bytes);
  if (linking !== 'static') {
    const is = linking === 'dynamic' ? 'needs libraries of this machine' : 'is not a program for Linux';
    throw new IoError('INVALID', { ...about, message: `${path} ${is}; the welcome app needs a static busybox`, hint });
  }
  const { stdout } = await run(path, ['--list'], call);
  const has = new Set(stdout.split('\n'));
  const missing = applets.filter((applet) => !has.has(applet));
  if (missing.length > 0)
    throw new IoError('INVALID', { ...about, message: `${path} was built without ${missing.join(', ')}`, hint });
  return bytes;
}

/**
 * How a Linux program was linked, by its ELF header: a dynamic one names its loader in a segment INTERP.
 * Exported for its test.
 */
export function linkingOf(bytes: Buffer): 'static' | 'dynamic' | undefined {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) return undefined;
  const is64 = bytes[4] === 2;
  const little = bytes[5] === 1;
  const short = (at: number): number => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at));
  const word = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  // A table of segments beyond 4 GiB is not a busybox: the low word of its offset is enough.
  const table = is64 ? word(little ? 32 : 36) : word(28);
  const entrySize = short(is64 ? 54 : 42);
  const count = short(is64 ? 56 : 44);
  for (let i = 0; i < count; i++) {
    const at = table + i * entrySize;
    if (at + 4 > bytes.length) return undefined;
    if (word(at) === interpreterSegment) return 'dynamic';
  }
  return 'static';
}
const interpreterSegment = 3;

/** @returns a tar; the same bytes for the same busybox and page */
async function rootFileSystem(busybox: Buffer): Promise<Buffer> {
  const tar = pack();
  const mtime = new Date(0);
  const folder = (name: string, mode = 0o755) => tar.entry({ name, type: 'directory', mode, mtime });
  const file = (name: string, content: string | Buffer, mode = 0o644) => tar.entry({ name, mode, mtime }, content);
  for (const name of ['bin', 'etc', 'root', 'srv', 'usr', 'usr/share', 'usr/share/welcome', 'var']) folder(name);
  folder('tmp', 0o1777);
  file('bin/busybox', busybox, 0o755);
  for (const name of applets) tar.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox', mtime });
  file('bin/welcome', script, 0o755);
  file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n');
  file('etc/group', 'root:x:0:\nnogroup:x:65534:\n');
  file('usr/share/welcome/index.html', welcomePage);
  file('usr/share/welcome/icon.svg', welcomeIcon);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
