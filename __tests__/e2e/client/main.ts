import { story } from './story.js'

const [baseUrl = '', email = '', password = ''] = process.argv.slice(2)
console.log(JSON.stringify(await story(baseUrl, { email, password })))
