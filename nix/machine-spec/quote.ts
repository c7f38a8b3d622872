/** Characters that a terminal acts on, or that cannot be seen. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text as a message has it: in quotes, cut where it is long, with escapes for what would not be seen. */
export function quote(text: string, longest = 80): string {
  const characters = Array.from(text.slice(0, 2 * longest));
  const shown = characters.length > longest ? `${characters.slice(0, longest).join("")}…` : text;
  return `'${shown.replaceAll(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)}'`;
}

/** An address without the password that it may have, which belongs into no message. */
export function withoutPassword(uri: string): string {
  return uri.replace(/^((?:[A-Za-z][A-Za-z0-9+.-]*:\/\/)?[^:@/?]*):[^]*@/, "$1:…@");
}
