// AsyncAPI's own parser judges documents: node check.mjs FOLDER_OF_THE_PARSER FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [home, ...files] = process.argv.slice(2);
const { Parser } = createRequire(resolve(home, "package.json"))("@asyncapi/parser");

let failed = 0;
for (const file of files) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  for (const { path, message } of diagnostics) console.log(`${file}: ${path.join("/")}: ${message}`);
  if (!document || diagnostics.length > 0) failed += 1;
}
console.log(`${files.length - failed} valid, ${failed} not`);
process.exit(failed > 0 || files.length === 0 ? 1 : 0);
