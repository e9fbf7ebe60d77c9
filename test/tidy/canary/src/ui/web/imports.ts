/** The web app runs in a browser. */
import '../client/words.ts';
import '#io/contract/live.ts';
import '#io/log/port.ts'; // ✗ floatlab/rooms
import '../cli/words.ts'; // ✗ floatlab/rooms
import 'node:path'; // ✗ floatlab/rooms
