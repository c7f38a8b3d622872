// Loaded first into each process of a deployment (`node --import`): writes down every module that it loads afterwards,
// as a line "<script that node was started with> <URL of the module>".
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";

const file = process.env.LOADED_FILES;
registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(file, `${process.argv[1]} ${url}\n`);
    return nextLoad(url, context);
  },
});
