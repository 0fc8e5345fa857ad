/** Methods of the tests' bindings that do something beside. */

/**
 * Wraps a method of a binding, for the whole process. On the prototype, and so for all bindings of its kind: the binding's own
 * methods are what tests spy on.
 * @param on what its first argument becomes, and what is done with its result.
 * @throws when there is no such method: what it was wrapped for would not happen.
 */
export function wrapMethod(
  binding: object,
  name: string,
  on: { argument?: (given: unknown) => unknown; result?: (result: unknown) => void },
): void {
  const prototype = Object.getPrototypeOf(binding) as Record<string, (...args: unknown[]) => unknown>;
  const method = prototype[name];
  if (method === undefined) throw new Error(`A binding has no ${name}: its use would not be seen.`);
  prototype[name] = function wrapped(first, ...others) {
    const result = method.apply(this, [on.argument === undefined ? first : on.argument(first), ...others]);
    on.result?.(result);
    return result;
  };
}
