const IN_PLACE = 'at-';

/** Of a card that stands in the place of a message. */
export function inPlaceCardId(messageId: string): string {
  return `${IN_PLACE}${messageId}`;
}

/** Undefined where the card stands for others. */
export function messageOfCard(cardId: string): string | undefined {
  return cardId.startsWith(IN_PLACE) ? cardId.slice(IN_PLACE.length) : undefined;
}
