import { Logger } from "@aws-lambda-powertools/logger";
import type { Configuration } from "../cloud/configuration.ts";
import { DroverError } from "../nix/drover-error.ts";

/** What the runner logs through: one JSON object a line. Fields never hold a key or a signed URL. */
export interface RunnerLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const levels = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR", silent: "SILENT" } as const;

export function createRunnerLog(level: Configuration["DROVER_LOG_LEVEL"]): RunnerLog {
  const logger = new Logger({ serviceName: "drover-runner", logLevel: levels[level] });
  return {
    debug: (message, fields = {}) => {
      logger.debug(message, fields);
    },
    info: (message, fields = {}) => {
      logger.info(message, fields);
    },
    warn: (message, fields = {}) => {
      logger.warn(message, fields);
    },
    error: (message, fields = {}) => {
      logger.error(message, fields);
    },
  };
}

export const silentLog: RunnerLog = { debug() {}, info() {}, warn() {}, error() {} };

/** An error as fields of a line. */
export function describeError(error: unknown): Record<string, unknown> {
  if (error instanceof DroverError) return { code: error.code, error: error.message, remedy: error.remedy };
  if (error instanceof Error) return { error: error.message, stack: error.stack };
  return { error: String(error) };
}
