/** A daemon that starts its engine and ends at once: `tsx start-and-leave.ts DATA_DIR`. */
import { startOwnEngine } from '#io/daemon/engine.ts';

const [dataDir = ''] = process.argv.slice(2);
const { socketPath } = await startOwnEngine({ dataDir, log: { info() {}, warn() {} }, isolated: true });
process.stdout.write(socketPath);
