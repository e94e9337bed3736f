import { register } from 'node:module'

// The compiler that this project uses has no JavaScript interface; openapi-typescript writes its output through the one
// that is bundled in @ts-morph/common. Run with `node --import`.
const compiler = import.meta.resolve('@ts-morph/common/dist/typescript.js')
const hooks = `export const resolve = (name, context, next) =>
  name === 'typescript' ? { url: ${JSON.stringify(compiler)}, shortCircuit: true } : next(name, context)`

register(`data:text/javascript,${encodeURIComponent(hooks)}`)
