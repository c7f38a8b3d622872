import process from "node:process";

// The launcher chooses a Node; this is for people who start the file themselves. The program is imported only then,
// since an old Node would fail on it with a message about syntax.
const [major = "0"] = process.versions.node.split(".");
if (Number(major) < 24) {
  process.stderr.write(
    `error: drover needs Node.js 24 or newer, and this is ${process.versions.node}: start it with cli/drover, or ` +
      `install Node.js 24. (DROVER_NODE_VERSION)\n`,
  );
  process.exitCode = 1;
} else {
  const { runProgram } = await import("./program.ts");
  process.exitCode = await runProgram(process.argv.slice(2));
}
