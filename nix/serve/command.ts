/** The command words of the serve protocol (Nix's `serve-protocol.hh`, 2.3 to 2.36). */
export const SERVE_COMMAND = {
  queryValidPaths: 1,
  queryPathInfos: 2,
  dumpStorePath: 3,
  importPaths: 4,
  /** Gone from 2.32 on. */
  exportPaths: 5,
  buildPaths: 6,
  queryClosure: 7,
  buildDerivation: 8,
  addToStoreNar: 9,
} as const;
