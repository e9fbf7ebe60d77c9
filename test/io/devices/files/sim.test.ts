import { simFiles } from '#io/devices/files/sim.ts';
import { filesContract } from '#test/contracts/files.ts';

filesContract('simulated files', () => {
  const files = simFiles();
  const root = '/pool/live';
  return Promise.resolve({
    port: files,
    root,
    read: (path) => Promise.resolve(files.read(root, path)),
    write: (path, text) => Promise.resolve(files.write(root, path, text)),
    remove: (path) => Promise.resolve(files.remove(root, path)),
    link: (path) => Promise.resolve(files.link(root, path)),
    dispose: () => Promise.resolve(),
  });
});
