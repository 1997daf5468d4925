import { createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { authTag, deriveKeys, tagsEqual, TagSequence } from '../../../src/protocol/proof.ts';

const SECRET = Buffer.from('0123456789abcdef0123456789abcdef');
const SERVER_NONCE = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const CLIENT_NONCE = Buffer.from(Array.from({ length: 32 }, (_, i) => i + 32));
const BODY = Buffer.from('body');

describe('TagSequence', () => {
  const { clientToServer, serverToClient } = deriveKeys(SECRET, SERVER_NONCE, CLIENT_NONCE);

  it('verifies what the other end signed, in order', () => {
    const signer = new TagSequence(clientToServer);
    const verifier = new TagSequence(clientToServer);
    for (let n = 0; n < 300; n++) expect(verifier.verify(signer.sign(BODY), BODY)).toBe(true);
    expect(verifier.count).toBe(300);
  });

  it('makes the HMAC of section 2 for bodies of any length', () => {
    const key = Buffer.from(clientToServer.export());
    const signer = new TagSequence(clientToServer);
    for (const [n, size] of [0, 1, 55, 56, 63, 64, 65, 1_000, 32_767, 32_768, 32_769, 100_000].entries()) {
      const body = Buffer.alloc(size, n);
      const counter = Buffer.alloc(8);
      counter.writeUInt32BE(n, 4);
      const expected = createHmac('sha256', key).update(counter).update(body).digest();
      expect(signer.sign(body).equals(expected), `${size} bytes`).toBe(true);
    }
  });

  it('makes the right tag whatever bytes key and tag are made of', () => {
    for (let i = 0; i < 256; i++) {
      const key = Buffer.alloc(32, i);
      const target = Buffer.alloc(40, 0xee);
      new TagSequence(createSecretKey(key)).signInto(Buffer.from([i]), target, 4);
      const expected = createHmac('sha256', key)
        .update(Buffer.alloc(8))
        .update(Buffer.from([i]))
        .digest();
      expect(target.equals(Buffer.concat([Buffer.alloc(4, 0xee), expected, Buffer.alloc(4, 0xee)]))).toBe(true);
    }
  });

  it('refuses a frame that was replayed, reordered, dropped, altered or taken from the other direction', () => {
    const signer = new TagSequence(clientToServer);
    const [first, second, third] = [signer.sign(BODY), signer.sign(BODY), signer.sign(BODY)];
    const verifier = new TagSequence(clientToServer);
    expect(verifier.verify(second, BODY)).toBe(false);
    expect(verifier.verify(first, Buffer.from('bodY'))).toBe(false);
    expect(verifier.verify(new TagSequence(serverToClient).sign(BODY), BODY)).toBe(false);
    expect(verifier.verify(null, BODY)).toBe(false);
    expect(verifier.verify(first.subarray(1), BODY)).toBe(false);
    expect(verifier.verify(first, BODY)).toBe(true);
    expect(verifier.verify(first, BODY)).toBe(false);
    expect(verifier.verify(third, BODY)).toBe(false);
    expect(verifier.verify(second, BODY)).toBe(true);
  });
});

describe('keys and tags of the handshake', () => {
  it('change with the secret and with either nonce', () => {
    const keys = [
      deriveKeys(SECRET, SERVER_NONCE, CLIENT_NONCE),
      deriveKeys(SECRET, CLIENT_NONCE, SERVER_NONCE),
      deriveKeys(Buffer.alloc(32), SERVER_NONCE, CLIENT_NONCE),
    ].flatMap(({ clientToServer, serverToClient }) => [
      clientToServer.export().toString('hex'),
      serverToClient.export().toString('hex'),
    ]);
    expect(new Set(keys).size).toBe(6);
    const tags = [
      authTag(SECRET, SERVER_NONCE, BODY),
      authTag(SECRET, CLIENT_NONCE, BODY),
      authTag(SECRET, SERVER_NONCE, Buffer.from('b')),
    ];
    expect(new Set(tags.map((tag) => tag.toString('hex'))).size).toBe(3);
  });

  it('are compared whole', () => {
    const tag = authTag(SECRET, SERVER_NONCE, BODY);
    expect(tagsEqual(Buffer.from(tag), tag)).toBe(true);
    expect(tagsEqual(tag.subarray(0, 31), tag)).toBe(false);
    expect(tagsEqual(null, tag)).toBe(false);
  });
});
