/** @type {import('next').NextConfig} */
module.exports = {
  poweredByHeader: false,
  compress: false,
  reactStrictMode: true,
}
