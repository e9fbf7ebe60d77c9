/** What touches the world knows everything but its faces. */
import '#projections/rows.ts';
import '#io/contract/live.ts';
import 'node:fs';
import 'level';
import '#ui/client/rest.ts'; // ✗ floatlab/rooms
import '../ui/client/words.ts'; // ✗ floatlab/rooms
import '#test/real.ts'; // ✗ floatlab/rooms
