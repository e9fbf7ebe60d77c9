/** Decisions know facts, and compute with a few packages. */
import '#events/envelope.ts';
import '#actors/actor.ts';
import 'xstate';
import '#projections/rows.ts'; // ✗ floatlab/rooms
import '#io/devices/error.ts'; // ✗ floatlab/rooms
import '../io/imports.ts'; // ✗ floatlab/rooms
import '#ui/client/rest.ts'; // ✗ floatlab/rooms
import 'node:fs'; // ✗ floatlab/rooms
import 'level'; // ✗ floatlab/rooms

export type { IoError } from '#io/devices/error.ts'; // ✗ floatlab/rooms
export type Port = import('#io/devices/clock/port.ts').Clock; // ✗ floatlab/rooms, typescript/consistent-type-imports
export const later = import('#events/envelope.ts'); // ✗ floatlab/rooms
