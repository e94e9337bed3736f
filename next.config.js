/** @type {import('next').NextConfig} */
module.exports = {
  poweredByHeader: false,
  compress: false,
  reactStrictMode: true,
  // `npm run validate` checks the types of the whole tree; a start in production needs no compiler.
  typescript: { ignoreBuildErrors: true },
  // URLs outside /api respond with the JSON error envelope, from pages/api/[...unknown].ts, and not with an HTML page.
  rewrites: async () => ({ fallback: [{ source: '/:path*', destination: '/api/not-found' }] }),
}
