/** A PDF of one page for each content stream. */
export function pdf(contents: readonly Buffer[], more = ''): Buffer {
  const pages = contents.map((_, page) => `${4 + 2 * page} 0 R`).join(' ');
  const objects = [
    Buffer.from('<</Type/Catalog/Pages 2 0 R>>'),
    Buffer.from(`<</Type/Pages/Kids[${pages}]/Count ${contents.length}>>`),
    Buffer.from('<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'),
    ...contents.flatMap((content, page) => [
      Buffer.from(
        `<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents ${5 + 2 * page} 0 R>>`,
      ),
      Buffer.concat([Buffer.from(`<</Length ${content.length}${more}>>stream\n`), content, Buffer.from('\nendstream')]),
    ]),
  ];
  const pieces = [Buffer.from('%PDF-1.4\n')];
  const places: number[] = [];
  const length = (): number => pieces.reduce((sum, piece) => sum + piece.length, 0);
  objects.forEach((object, place) => {
    places.push(length());
    pieces.push(Buffer.from(`${place + 1} 0 obj`), object, Buffer.from('\nendobj\n'));
  });
  const rows = places.map((place) => `${String(place).padStart(10, '0')} 00000 n \n`).join('');
  pieces.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}` +
        `trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${length()}\n%%EOF`,
    ),
  );
  return Buffer.concat(pieces);
}

/** A content stream that shows a text. */
export const said = (text: string): Buffer => Buffer.from(`BT /F1 24 Tf 72 700 Td (${text}) Tj ET`);
