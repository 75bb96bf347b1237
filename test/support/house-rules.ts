import ts from 'typescript';

/** How the manager of a transaction is called everywhere: what `UnitOfWork.run` gives. */
const TX = /^(this\.)?tx$/;

/** Methods of TypeORM that write, on a manager; the first argument of most is an entity. */
const METHODS = new Set(
  'insert update updateAll upsert delete deleteAll softDelete restore recover remove clear increment decrement'.split(
    ' ',
  ),
);
/** Those with which a query builder begins to write, with no argument or with an entity. */
const BUILDER_METHODS = new Set(['insert', 'update', 'delete', 'softDelete', 'restore']);
/** What nothing here does, in a transaction or not: rows are written by columns, on `tx`. */
const NEVER = new Set(['save', 'softRemove', 'getRepository', 'withRepository']);
/** Functions of `src/database` that write, and take the transaction first. */
const FUNCTIONS = new Set(['insertId', 'insertRows', 'upsertRows']);
const ENTITY = /^([A-Z]\w*[a-z]\w*|table|entity)$/;
/** What reads outside of a transaction, and what is above it. */
const READER = /\b(read|reader|manager|database|dataSource|runner|queryRunner|repository)$/;
/** The beginning of a statement that writes. */
const WRITES =
  /^\s*(WITH\b[^;]*\b)?(INSERT\b[^;]*\bINTO|REPLACE\s+INTO|UPDATE\b[^;]*\bSET|DELETE\b[^;]*\bFROM|TRUNCATE\s)/i;

/**
 * Where a source writes to the database other than on `tx`: by a method of TypeORM, a query builder, a function of `src/database`, or SQL.
 * SQL is found by its text, wherever it stands. Goes by names, and not by types: of a transaction under another name it says so.
 * @returns the calls and texts, each in one line
 */
export function writesOutside(text: string): string[] {
  const file = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, /* setParentNodes */ true);
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isWrite(node) && !isOnTx(node)) found.push(node);
    else if (isText(node) && WRITES.test(textOf(node)) && !goesToTx(node)) found.push(node);
    else if (isRenaming(node)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.map((node) => node.getText().replace(/\s+/g, ' '));
}

/** Where a source publishes an event itself, by its name, instead of recording it on a transaction. */
export function publishedDirectly(text: string): string[] {
  return [...text.matchAll(/(\w+\.publishAndWait)\(|(\w+\.publish)\(\s*['"`]/g)].map(
    ([, andWait, only]) => andWait ?? only,
  );
}

function isWrite(call: ts.CallExpression): boolean {
  const [first] = call.arguments;
  const name = nameOf(call);
  if (!ts.isPropertyAccessExpression(call.expression)) return FUNCTIONS.has(name);
  if (NEVER.has(name)) return true;
  if (!METHODS.has(name)) return false;
  if (!first) return BUILDER_METHODS.has(name);
  return ENTITY.test(first.getText()) || READER.test(call.expression.expression.getText());
}

function isOnTx(call: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(call.expression)) return isTx(call.arguments[0]);
  // Of a chain of calls, the first: `tx.createQueryBuilder().delete()`.
  let root: ts.Expression = call.expression.expression;
  while (ts.isCallExpression(root) && ts.isPropertyAccessExpression(root.expression)) root = root.expression.expression;
  return isTx(root) && !NEVER.has(nameOf(call));
}

const isTx = (node: ts.Node | undefined): boolean => node !== undefined && TX.test(node.getText());

const nameOf = ({ expression }: ts.CallExpression): string =>
  ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText();

type Text = ts.StringLiteral | ts.NoSubstitutionTemplateLiteral | ts.TemplateExpression;

const isText = (node: ts.Node): node is Text =>
  ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);

/** With a space for each `${…}`. */
const textOf = (node: Text): string =>
  ts.isTemplateExpression(node)
    ? [node.head, ...node.templateSpans.map(({ literal }) => literal)].map((part) => part.text).join(' ')
    : node.text;

/** Whether the call around it, or each one around the variable that holds it, is one of `tx`, or is given `tx` first. */
function goesToTx(node: ts.Node): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isCallExpression(at)) return takesTx(at);
    if (ts.isVariableDeclaration(at)) {
      const uses = usesOf(at);
      return uses.length > 0 && uses.every((use) => goesToTx(calledOr(use)));
    }
  }
  return false;
}

function usesOf(variable: ts.VariableDeclaration): ts.Node[] {
  const name = variable.name.getText();
  const uses: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === name && node.parent !== variable) uses.push(node);
    ts.forEachChild(node, visit);
  };
  // The list of declarations, its statement, and the block.
  visit(variable.parent.parent.parent);
  return uses;
}

/** `sql` of `sql(rows)`: a text that a function makes goes where its result goes. */
const calledOr = (use: ts.Node): ts.Node =>
  ts.isCallExpression(use.parent) && use.parent.expression === use ? use.parent : use;

const takesTx = (call: ts.CallExpression): boolean =>
  isTx(call.arguments[0]) || (ts.isPropertyAccessExpression(call.expression) && isTx(call.expression.expression));

/** `const tx = …`: only a function that was given a transaction has one. */
const isRenaming = (node: ts.Node): boolean => ts.isVariableDeclaration(node) && TX.test(node.name.getText());
