import { config } from '@/lib/config'
import { decrypt } from '@/lib/platform/crypto/encrypt'
import type { MailContent } from '@/lib/platform/queue/mail-job'

type EmailContent = { subject: string; paragraphs: string[]; link?: { url: string; label: string }; footer: string }

const PERIODS: [seconds: number, name: string][] = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
]

/** Formats 3600 as "1 hour" and 5400 as "90 minutes". */
function formatDuration(seconds: number): string {
  const [size, name] = PERIODS.find(([size]) => seconds % size === 0) ?? [1, 'second']
  const count = seconds / size
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

function linkTo(path: string, encryptedToken: string): string {
  return `${config().appUrl}/${path}?token=${encodeURIComponent(decrypt('queued-token', encryptedToken))}`
}

function compose(content: MailContent): EmailContent {
  const { resetTokenTtlSeconds, verifyTokenTtlSeconds, invitationTtlSeconds } = config()
  switch (content.template) {
    case 'reset-password':
      return {
        subject: 'Set a new password',
        paragraphs: [
          'A new password was requested for your account.',
          `The link below works once, within ${formatDuration(resetTokenTtlSeconds)}.`,
        ],
        link: { url: linkTo('reset-password', content.encryptedToken), label: 'Set a new password' },
        footer: 'If you did not request this, you can ignore this e-mail. Your password stays unchanged.',
      }
    case 'verify-email':
      return {
        subject: 'Confirm your e-mail address',
        paragraphs: [
          'Please confirm that this e-mail address is yours.',
          `The link below works once, within ${formatDuration(verifyTokenTtlSeconds)}.`,
        ],
        link: { url: linkTo('verify-email', content.encryptedToken), label: 'Confirm the address' },
        footer: 'If you did not sign up with this address, you can ignore this e-mail.',
      }
    case 'accept-invitation':
      return {
        subject: `${content.inviter} invites you to ${content.familyName}`,
        paragraphs: [
          `${content.inviter} invites you to the family ${content.familyName}.`,
          `The link below works once, within ${formatDuration(invitationTtlSeconds)}, for an account with this e-mail address.`,
        ],
        link: { url: linkTo('accept-invitation', content.encryptedToken), label: 'Accept the invitation' },
        footer: 'If you do not know the sender, you can ignore this e-mail.',
      }
    case 'password-changed':
      return {
        subject: 'Your password was changed',
        paragraphs: ['The password of your account was changed, and its other sessions were signed out.'],
        footer: 'If that was not you, reset your password immediately.',
      }
    case 'api-key-created':
      return {
        subject: 'An API key was created',
        paragraphs: ['A new API key was created for your account. It works without your password until it is revoked.'],
        footer: 'If that was not you, reset your password immediately, which revokes all API keys.',
      }
    case 'revert-email':
      return {
        subject: 'Your e-mail address was changed',
        paragraphs: [
          'Your account now has another e-mail address. This one is no longer used for it.',
          'If that was not you, the link below restores this address and signs out all sessions. It works once, within 7 days.',
        ],
        link: { url: linkTo('revert-email', content.encryptedToken), label: 'Restore this address' },
        footer: 'If you changed the address yourself, you can ignore this e-mail.',
      }
    case 'email-changed':
      return {
        subject: 'Your e-mail address was changed',
        paragraphs: ['Your account now has another e-mail address. This one is no longer used for it.'],
        footer: 'If that was not you, contact us immediately.',
      }
  }
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Escapes text for HTML, between tags or within quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

/** Renders an e-mail as plain text and as HTML. */
export function render(content: MailContent): { subject: string; text: string; html: string } {
  const { subject, paragraphs, link, footer } = compose(content)
  const text = [...paragraphs, ...(link ? [link.url] : []), footer].join('\n\n')
  const html = [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
    '<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 2em auto; padding: 0 1em">',
    ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
    ...(link ? [`<p><a href="${escapeHtml(link.url)}">${escapeHtml(link.label)}</a></p>`] : []),
    `<p style="color: #666">${escapeHtml(footer)}</p>`,
    '</body></html>',
  ].join('\n')
  return { subject, text: `${text}\n`, html }
}
