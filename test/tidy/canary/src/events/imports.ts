/** Facts know nobody. */
import '#events/envelope.ts';
import './clock.ts';
import 'zod';
import '@noble/hashes/sha2.js';
import '#actors/actor.ts'; // ✗ floatlab/rooms
import '../actors/clock.ts'; // ✗ floatlab/rooms
import '#projections/rows.ts'; // ✗ floatlab/rooms
import '#io/contract/live.ts'; // ✗ floatlab/rooms
import '#ui/client/rest.ts'; // ✗ floatlab/rooms
import '#test/real.ts'; // ✗ floatlab/rooms
import '../../../../real.ts'; // ✗ floatlab/rooms
import 'node:path'; // ✗ floatlab/rooms
import 'path'; // ✗ floatlab/rooms
import 'execa'; // ✗ floatlab/rooms
import '../../../../../package.json'; // ✗ floatlab/rooms
