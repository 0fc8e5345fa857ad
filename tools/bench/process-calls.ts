/** Calling functions of a process of one's own, over the channel that `fork` opens. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

type Calls = Record<string, (argument: never) => Promise<unknown>>;
type Call = { id: number; name: string; argument: unknown };
type Answer = { id: number } & ({ result: unknown } | { error: string });

/** In the child: answers calls from now on, and says that it is ready. */
export function serveCalls(served: Calls): void {
  process.on("message", (call: Call) => void answer(served, call));
  // Whoever started it is gone.
  process.once("disconnect", () => process.exit(0));
  process.send?.({ id: 0, result: undefined } satisfies Answer);
}

async function answer(served: Calls, { id, name, argument }: Call): Promise<void> {
  try {
    const result = await served[name]?.(argument as never);
    process.send?.({ id, result } satisfies Answer);
  } catch (error) {
    process.send?.({ id, error: String(error) } satisfies Answer);
  }
}

/** In the parent: starts `file` (beside this one) and gives its functions. `stop` ends the process. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- only the caller knows what the file serves
export async function startProcess<Served extends Calls>(
  file: string,
): Promise<{ call: Served; stop: () => void }> {
  const child: ChildProcess = fork(join(import.meta.dirname, file));
  const open = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  const ready = new Promise((resolve, reject) => open.set(0, { resolve, reject }));
  child.on("message", (answered: Answer) => {
    const settle = open.get(answered.id);
    open.delete(answered.id);
    if ("error" in answered) settle?.reject(new Error(`${file}: ${answered.error}`));
    else settle?.resolve(answered.result);
  });
  child.once("exit", (code) => {
    for (const { reject } of open.values()) reject(new Error(`${file} ended with ${code}.`));
  });
  await ready;
  const call = (name: string) => (argument: unknown) =>
    new Promise((resolve, reject) => {
      last += 1;
      open.set(last, { resolve, reject });
      child.send({ id: last, name, argument } satisfies Call);
    });
  // A proxy is typed by what it stands for.
  const proxy = new Proxy({}, { get: (_, name) => call(String(name)) }) as Served;
  return { call: proxy, stop: () => child.disconnect() };
}
