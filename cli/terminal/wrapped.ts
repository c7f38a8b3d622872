/** Text without colours in rows of at most so many columns, broken at spaces; a longer word is broken anywhere. */
export function wrapped(text: string, columns: number): string[] {
  const width = Math.max(1, columns);
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(" ")) {
    if (row !== "" && row.length + 1 + word.length > width) {
      rows.push(row);
      row = "";
    }
    row = row === "" ? word : `${row} ${word}`;
    for (; row.length > width; row = row.slice(width)) rows.push(row.slice(0, width));
  }
  return [...rows, row];
}
