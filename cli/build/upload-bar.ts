import type { Style } from "../terminal/style.ts";
import { count, formatBytes } from "../terminal/units.ts";
import type { UploadProgress } from "./upload.ts";

const width = 24;

/** `uploading [=======>      ] 3 of 12 paths, 1.2 of 4.0 MiB`, in the terminal's width. */
export function uploadBar({ paths, pathsDone, bytes, bytesDone }: UploadProgress, style: Style): string {
  const share = bytes === 0 ? 1 : Math.min(1, bytesDone / bytes);
  const filled = Math.floor(share * width);
  const bar = filled === width ? "=".repeat(width) : `${"=".repeat(filled)}>`.padEnd(width);
  return `${style.bold("uploading")} [${style.cyan(bar)}] ${pathsDone} of ${count(paths, "path")}, ${formatBytes(bytesDone)} of ${formatBytes(bytes)}`;
}
