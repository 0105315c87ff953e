// README.md's snippet for Node, run as it is printed, but for the port.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { PORT, check, run } from "./harness.mjs";

check("node-redis", async () => {
  const [, snippet] = /^```js\n(.*?)^```$/ms.exec(await readFile("README.md", "utf8"));
  const program = snippet.replaceAll("6379", PORT);
  // Packages are found from here, not from the repository.
  const options = { cwd: import.meta.dirname, timeout: 30_000 };
  const { stdout, stderr } = await promisify(execFile)("node", ["--input-type=module", "--eval", program], options);
  assert.deepEqual([stdout, stderr], ["test_channel hello\n", ""]);
});

await run("README");
