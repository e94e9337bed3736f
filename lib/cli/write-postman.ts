import { writeFileSync } from 'node:fs'
import { postmanCollection } from '@/lib/openapi/postman'

// `npm run postman [file]`: the collection on disk, for Postman's import and for newman.
const [file = 'hearth.postman_collection.json'] = process.argv.slice(2)
writeFileSync(file, `${JSON.stringify(postmanCollection(), null, 2)}\n`)
process.stdout.write(`${file}\n`)
