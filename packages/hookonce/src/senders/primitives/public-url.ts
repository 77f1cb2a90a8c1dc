import { ConfigurationError } from '../../errors.js'

/** The URL that a sender was told and signs. @throws {ConfigurationError} it is missing, or no absolute URL */
export function publicUrl(sender: string, url: string | undefined): string {
  if (url === undefined || !/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new ConfigurationError(`${sender} signs the URL that it was told: give it, letter for letter, as https://…`)
  }
  return url
}
