/** The contract is read by browsers: it knows the pure rooms, and nothing else of io. */
import '#actors/commands.ts';
import '#projections/registry.ts';
import './clock.ts';
import '../imports.ts'; // ✗ floatlab/rooms
import '#io/devices/error.ts'; // ✗ floatlab/rooms
import '#ui/client/rest.ts'; // ✗ floatlab/rooms
import 'hono'; // ✗ floatlab/rooms
