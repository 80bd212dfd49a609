// What the SDK does, as cases that run under Node with storage in memory, and inside
// of a component with the real host.
//
// Nothing of Node belongs here. Each case begins with no files.

import "./files.js";
import "./updates.js";
import "./backup.js";
import "./state.js";
import "./counter.js";
import "./audit.js";
import "./batch.js";
import "./streams.js";

export { cases } from "./expect.js";
