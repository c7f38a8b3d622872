/** Store paths: their form (`name`), how they are computed (`digest`), and how a content address is checked. */
export {
  STORE_DIRECTORY,
  type StorePath,
  checkStorePathName,
  fromBaseName,
  isStorePath,
  parseStorePath,
  storePathBase,
  storePathHash,
  storePathName,
} from "./store-path/name.ts";
export {
  type ContentMethod,
  fixedOutputPath,
  makeStorePath,
  sourceStorePath,
  textStorePath,
} from "./store-path/digest.ts";
export { formatContentAddress, parseContentAddress, verifyContentAddress } from "./store-path/content-address.ts";
