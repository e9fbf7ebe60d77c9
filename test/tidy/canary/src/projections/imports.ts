/** What is known follows from facts and decisions. */
import '#events/envelope.ts';
import '#actors/actor.ts';
import '#projections/rows.ts';
import '#io/contract/live.ts'; // ✗ floatlab/rooms
import '#ui/client/rest.ts'; // ✗ floatlab/rooms
import 'node:os'; // ✗ floatlab/rooms
import 'ws'; // ✗ floatlab/rooms
