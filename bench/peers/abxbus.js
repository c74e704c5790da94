// The same loop as Daybook's emit rows with one thread, on abxbus: emit one event, await that it is done, again and again.
// Prints one line of JSON. Not for use by hand: bench/abxbus_peer.cpp starts it beside the node_modules of `npm ci`.
//
//   node abxbus.js STORE HANDLERS SECONDS DIRECTORY PAYLOAD
//
// STORE is what keeps an event. The TypeScript library offers no middleware that does; its bridges do, each an ordinary
// handler of every type, in the documented way:
//   memory   nothing: gone with the process
//   jsonl    a line appended to a file, never synced
//   sqlite   a row in a table, one commit each, with what SQLite's own defaults sync (Node.js 22 or newer)
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { BaseEvent, EventBus, JSONLEventBridge, SQLiteEventBridge } from "abxbus";

// A bridge also reads back, four times a second by default, what it wrote: out of the way for as long as we measure.
const pollSeconds = 3600;
const table = "abxbus_events";

async function sqliteStore(directory) {
    const { DatabaseSync } = await import("node:sqlite");
    const path = join(directory, "events.sqlite");
    const bridge = new SQLiteEventBridge(path, table, pollSeconds);
    await bridge.start();
    return {
        emit: bridge.emit,
        count: () => new DatabaseSync(path).prepare(`SELECT count(*) AS events FROM ${table}`).get().events,
        // Of the bridge's own connection: another one would have its own.
        synchronous: () => bridge.db.prepare("PRAGMA synchronous").get().synchronous,
    };
}

function jsonlStore(directory) {
    const path = join(directory, "events.jsonl");
    const bridge = new JSONLEventBridge(path, pollSeconds);
    return { emit: bridge.emit, count: () => readFileSync(path).reduce((lines, byte) => lines + (byte === 10), 0) };
}

const stores = { memory: () => null, jsonl: jsonlStore, sqlite: sqliteStore };

async function measure(storeName, handlers, seconds, directory, payload) {
    // A finished event is dropped at once: by default, the hundred and first emit would be refused.
    const bus = new EventBus("Bench", { max_history_size: 0 });
    const BenchEmitted = BaseEvent.extend("BenchEmitted", {});
    const store = await stores[storeName](directory);
    if (store) bus.on("*", store.emit);
    let handled = 0;
    for (let number = 0; number < handlers; ++number) bus.on(BenchEmitted, () => void ++handled);
    const fields = JSON.parse(payload);
    let emitted = 0;
    const begun = performance.now();
    for (let end = begun + 1000 * seconds; performance.now() < end; ++emitted) {
        const event = bus.emit(BenchEmitted({ ...fields }));
        await event.now();
        if (event.event_status !== "completed") throw new Error(`event ${emitted} is ${event.event_status}`);
    }
    const passed = (performance.now() - begun) / 1000;
    return { emitted, handled, stored: store?.count() ?? 0, synchronous: store?.synchronous?.() ?? null, seconds: passed };
}

const [storeName, handlers, seconds, directory, payload] = process.argv.slice(2);
console.log(JSON.stringify(await measure(storeName, Number(handlers), Number(seconds), directory, payload)));
// A bridge would go on polling.
process.exit(0);
