/**
 * Parses templates, in the language of Handlebars (handlebarsjs.com/guide) without partials, unescaped values, and
 * helpers other than those below. Only the parser of Handlebars is used, because its compiler generates code, which
 * Workers do not allow.
 */
import { type AST, parse } from "@handlebars/parser";

/**
 * A path. `isData`: whether it is a variable such as `@index` or `@root`. `depth`: the number of `../`, each of which
 * goes to the parent context.
 */
export type Path = { isData: boolean; depth: number; parts: string[] };

/** A part of a parsed template. */
export type Part =
  | { kind: "text"; text: string }
  /** `isJson`: written as a JSON value, with quotes. */
  | { kind: "value"; path: Path; isJson: boolean }
  | { kind: "if"; path: Path; isNegated: boolean; body: Part[]; otherwise: Part[] }
  | { kind: "each"; path: Path; body: Part[]; otherwise: Part[] };

/** The error of an invalid template. `message`: the rest of a sentence that begins with `template`. */
export class TemplateError extends Error {
  override name = "TemplateError";
}

/** The most blocks. The parser's time grows with the square of their number. */
const blocksMax = 100;
const allowed = "allowed are {{value}}, {{json value}}, {{#if}}, {{#unless}}, {{#each}} and {{else}}";

/** @throws {TemplateError} naming the line and the error. */
export function parseTemplate(template: string): Part[] {
  if (template.split("{{").length > blocksMax * 4 || template.split(/\{\{~?[#^]/).length > blocksMax) {
    throw new TemplateError(`has too many blocks: at most ${blocksMax}.`);
  }
  const unescaped = template.indexOf("{{{");
  if (unescaped !== -1) {
    const line = template.slice(0, unescaped).split("\n").length;
    throw new TemplateError(
      `cannot be used, line ${line}: {{{ is not allowed, since every value is escaped. Put a blank between a { and {{.`,
    );
  }
  return partsOf(read(template).body);
}

function read(template: string): AST.Program {
  try {
    // In `{"a": {{json b}}}`, the parser would take the last three braces for the end of an unescaped value. An empty
    // comment separates them.
    return parse(template.replaceAll(/\}\}(?=\})/g, "}}{{!}}"));
  } catch (cause) {
    const [, line, reason = ""] = /on line (\d+)(?:[^]*(Expecting))?/.exec(String(cause)) ?? [];
    const what =
      reason === ""
        ? "a block ends with another name than it began"
        : "a {{…}} is not complete or not closed";
    throw new TemplateError(`cannot be read${line === undefined ? "" : `, line ${line}`}: ${what}.`, {
      cause,
    });
  }
}

function partsOf(statements: readonly AST.Statement[]): Part[] {
  return statements.flatMap(partOf);
}

function partOf(statement: AST.Statement): Part[] {
  switch (statement.type) {
    case "ContentStatement":
      return [{ kind: "text", text: (statement as AST.ContentStatement).value }];
    case "CommentStatement":
      return [];
    case "MustacheStatement":
      return [valueOf(statement as AST.MustacheStatement)];
    case "BlockStatement":
      return [blockOf(statement as AST.BlockStatement)];
    default:
      throw refused(statement, "partials and decorators are not");
  }
}

function valueOf(statement: AST.MustacheStatement): Part {
  const { path, params, hash, escaped } = statement;
  if (!escaped) throw refused(statement, "unescaped values ({{&…}}) are not");
  if (hash !== undefined) throw refused(statement, "named parameters are not");
  const [param] = params;
  if (param === undefined) return { kind: "value", path: pathOf(path), isJson: false };
  if (helperOf(path) !== "json" || params.length > 1) throw refused(statement, "this helper is not");
  return { kind: "value", path: pathOf(param), isJson: true };
}

function blockOf(statement: AST.BlockStatement): Part {
  const { params, hash, program, inverse } = statement;
  const helper = helperOf(statement.path) ?? "";
  const [param] = params;
  // `{{^x}}` and `{{#x}}` of Mustache have no parameter.
  if (param === undefined || params.length > 1 || hash !== undefined)
    throw refused(statement, "this block is not");
  if ((program?.blockParams ?? []).length > 0) throw refused(statement, "names behind “as” are not");
  const body = partsOf(program?.body ?? []);
  const otherwise = partsOf(inverse?.body ?? []);
  const path = pathOf(param);
  switch (helper) {
    case "if":
    case "unless":
      return { kind: "if", path, isNegated: helper === "unless", body, otherwise };
    case "each":
      return { kind: "each", path, body, otherwise };
    default:
      throw refused(statement, `the block ${helper} is not`);
  }
}

function helperOf(path: AST.Node): string | null {
  if (path.type !== "PathExpression") return null;
  const { parts, depth, data } = path as AST.PathExpression;
  return parts.length === 1 && depth === 0 && !data && typeof parts[0] === "string" ? parts[0] : null;
}

function pathOf(node: AST.Node): Path {
  if (node.type !== "PathExpression") throw refused(node, "literals and nested calls are not");
  const { data, depth, parts } = node as AST.PathExpression;
  const names = parts.map((part) => {
    if (typeof part !== "string") throw refused(node, "nested calls are not");
    return part;
  });
  return { isData: data, depth, parts: names };
}

function refused({ loc }: AST.Node, what: string): TemplateError {
  return new TemplateError(`cannot be used, line ${loc.start.line}: ${what} allowed; ${allowed}.`);
}
