// Reads {"name": "diagram", ...} as JSON from stdin, writes what mermaid makes of each: its type, or its error.
import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
mermaid.initialize({ startOnLoad: false });

let text = "";
for await (const chunk of process.stdin) text += chunk;
const found = {};
for (const [name, diagram] of Object.entries(JSON.parse(text))) {
  try {
    found[name] = (await mermaid.parse(diagram)).diagramType;
  } catch (error) {
    found[name] = `error: ${error}`;
  }
}
process.stdout.write(JSON.stringify(found));
process.exit(0);
