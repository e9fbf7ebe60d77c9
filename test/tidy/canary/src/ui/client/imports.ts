/** Both faces share the client: it knows neither of them, and nothing of Node. */
import '#io/contract/live.ts';
import '#projections/rows.ts';
import '#io/devices/error.ts'; // ✗ floatlab/rooms
import '../web/words.ts'; // ✗ floatlab/rooms
import '../cli/words.ts'; // ✗ floatlab/rooms
import 'node:http'; // ✗ floatlab/rooms
