/** Decides which lines of the Worker's log `npm start` prints. */

/** A line of the Worker's console. */
type LogEntry = { level: string; message: string };

/** Prints an entry. Warnings and errors go to standard error. */
export function printLog({ level, message }: LogEntry, { isVerbose }: { isVerbose: boolean }): void {
  const isProblem = level === "warn" || level === "error";
  if (isProblem) console.error(message);
  else if (isVerbose || isTelling(message)) console.log(message);
}

/** Whether a line is printed without --verbose: of the gateway's lines with the level `info`, only refused requests. */
function isTelling(message: string): boolean {
  return !message.startsWith('{"level":"info"') || /"message":"request",.*"status":[45]/.test(message);
}
