import { ConfigurationError } from '../../errors.js'

/** Checks a URL that a sender signs. @throws {ConfigurationError} it is missing, or not absolute */
export function publicUrl(sender: string, url: string | undefined): string {
  if (url === undefined || !/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new ConfigurationError(`${sender} signs the URL that it was told: give it, letter for letter, as https://…`)
  }
  return url
}
