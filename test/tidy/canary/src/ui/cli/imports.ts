/** The command line reads the contract and the pure rooms; it may use Node, and talk. */
import '../client/words.ts';
import '#actors/commands.ts';
import '#io/contract/routes.ts';
import 'node:fs';
import '#io/log/port.ts'; // ✗ floatlab/rooms
import '#test/real.ts'; // ✗ floatlab/rooms

console.log('the command line talks to a person');
