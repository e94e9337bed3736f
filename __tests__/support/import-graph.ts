import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { ts } from '@ts-morph/common'

export type Import = { from: string; to: string; isTypeOnly: boolean }

/** Returns the TypeScript files below folders, as paths from the root of the project. */
export function sourceFiles(...folders: string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
    .filter((path) => /\.m?ts$/.test(path) && !path.endsWith('.d.ts') && !path.includes('generated'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
}

export function parseSource(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
}

/** Returns what a file imports: project files as paths from the root, packages by name. */
export function importsOf(from: string): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (specifier !== undefined && ts.isStringLiteral(specifier)) {
      found.push({ from, to: resolveSpecifier(from, specifier.text), isTypeOnly })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isCallExpression(node) && isModuleCall(node.expression)) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(parseSource(from))
  return found
}

/** Returns the groups of nodes that reach each other (Tarjan's strongly connected components of two or more nodes). */
export function findCycles(edges: readonly { from: string; to: string }[]): string[][] {
  const targets = new Map<string, Set<string>>()
  for (const { from, to } of edges) {
    if (from !== to) targets.set(from, (targets.get(from) ?? new Set()).add(to))
  }
  const index = new Map<string, number>()
  const stack: string[] = []
  const cycles: string[][] = []
  const connect = (node: string): number => {
    let lowest = index.size
    index.set(node, lowest)
    stack.push(node)
    for (const target of targets.get(node) ?? []) {
      if (!index.has(target)) lowest = Math.min(lowest, connect(target))
      else if (stack.includes(target)) lowest = Math.min(lowest, index.get(target) ?? lowest)
    }
    if (lowest === index.get(node)) {
      const component = stack.splice(stack.indexOf(node))
      if (component.length > 1) cycles.push(component.sort())
    }
    return lowest
  }
  for (const node of targets.keys()) if (!index.has(node)) connect(node)
  return cycles
}

function isModuleCall(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

function isTypeOnlyImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false
  if (importClause.isTypeOnly) return true
  const { name, namedBindings } = importClause
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false
  return namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly)
}

function resolveSpecifier(from: string, specifier: string): string {
  if (!/^(\.|@\/)/.test(specifier)) return specifier
  const path = specifier.startsWith('@/') ? specifier.slice(2) : posix.join(posix.normalize(dirname(from)), specifier)
  return [path, `${path}.ts`, `${path}/index.ts`].find((file) => isFile(file)) ?? path
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}
