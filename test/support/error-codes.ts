import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

interface ErrorClass {
  parent: string;
  /** Undefined where the class has no constructor of its own. */
  parameters: string[] | undefined;
}

/** Every code that a DomainError of the sources is made with, in plain text. */
export function givenCodes(): Set<string> {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) =>
      ts.createSourceFile(
        file,
        readFileSync(join(SRC, file), 'utf8'),
        ts.ScriptTarget.Latest,
        /* setParentNodes */ true,
      ),
    );
  const classes = new Map<string, ErrorClass>();
  for (const file of files) visit(file, ts.isClassDeclaration, (node) => note(classes, node));

  const codes = new Set<string>();
  const take = (node: ts.NewExpression | ts.CallExpression, className: string) => {
    const position = codePosition(classes, className);
    if (position === undefined) return;
    const given = node.arguments?.[position];
    if (given && ts.isStringLiteral(given)) codes.add(given.text);
  };
  for (const file of files) {
    visit(file, ts.isNewExpression, (node) => take(node, node.expression.getText()));
    visit(file, ts.isCallExpression, (node) => {
      if (node.expression.kind === ts.SyntaxKind.SuperKeyword) take(node, parentOf(classAround(node)));
    });
  }
  return codes;
}

function visit<T extends ts.Node>(node: ts.Node, isIt: (one: ts.Node) => one is T, use: (one: T) => void): void {
  if (isIt(node)) use(node);
  ts.forEachChild(node, (child) => visit(child, isIt, use));
}

function note(classes: Map<string, ErrorClass>, node: ts.ClassDeclaration): void {
  const constructor = node.members.find(ts.isConstructorDeclaration);
  classes.set(node.name?.text ?? '', {
    parent: parentOf(node),
    parameters: constructor?.parameters.map(({ name }) => name.getText()),
  });
}

const parentOf = (node: ts.ClassLikeDeclaration): string =>
  node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0].expression.getText() ??
  '';

function classAround(node: ts.Node): ts.ClassLikeDeclaration {
  for (let around = node.parent; ; around = around.parent) if (ts.isClassLike(around)) return around;
}

/** Which argument of a class's constructor is the code; undefined where it takes none, or is no DomainError. */
function codePosition(classes: Map<string, ErrorClass>, name: string): number | undefined {
  const found = classes.get(name);
  if (!found || !isDomainError(classes, name)) return undefined;
  if (!found.parameters) return codePosition(classes, found.parent);
  const position = found.parameters.indexOf('code');
  return position < 0 ? undefined : position;
}

const isDomainError = (classes: Map<string, ErrorClass>, name: string): boolean =>
  name === 'DomainError' || (classes.has(name) && isDomainError(classes, classes.get(name)!.parent));
