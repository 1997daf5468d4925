import { expect, it } from 'vitest';
import { systemRandom } from '../../../../src/base/random.ts';
import { FrameReader } from '../../../../src/protocol/frame.ts';
import { createValidators } from '../../../../src/protocol/messages.ts';
import { Handshake } from '../../../../src/fronts/socket/handshake.ts';
import { KeyRing } from '../../../../src/api/key-ring.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { DEFAULT_LIMITS } from '../../../support/settings.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

// Section 7 of the wire protocol.
const SERVER_NONCE = Buffer.from(Array.from({ length: 32 }, (_, n) => n));
const AUTH_BODY = hex(
  '87a474797065a461757468a870726f746f636f6c01a66b65795f6964a764656661756c74a673656e646572a76167656e742d31' +
    'ac636c69656e745f6e6f6e6365c420202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f' +
    'a974696d657374616d70cf0000018bcfe56800a6636c69656e74a96578616d706c652f31',
);
const AUTH_TAG = hex('818c88eabea37427a9ca0b276177e18eedfad374a138dae1174cb7753b6bdcfb');
const PING_FRAME = hex(
  '0000005092c42028ba6e4a673f7e6ea282ff20e427727736ea5d1dc66a1e72ebbe17dfb996e428' +
    'c42b84a2696401a474797065a470696e67a974696d657374616d70cf0000018bcfe56801a77061796c6f616480',
);

it('agrees with the worked example', () => {
  const clock = new FakeClock(1_700_000_000_000);
  const secret = '0123456789abcdef0123456789abcdef';
  const keys = new KeyRing([{ id: 'default', secret, scopes: ['read'], namespaces: ['a'] }], clock, systemRandom);
  const random = { bytes: (count: number) => (count === 32 ? SERVER_NONCE : systemRandom.bytes(count)) };
  const handshake = new Handshake({
    keys,
    limits: DEFAULT_LIMITS,
    clock,
    random,
    validators: createValidators(),
    version: '1',
  });
  expect(handshake.hello()).toMatchObject({ server_nonce: SERVER_NONCE });
  const session = handshake.authenticate({ tag: AUTH_TAG, body: AUTH_BODY });
  expect(session).toMatchObject({ sender: 'agent-1', client: 'example/1' });
  const reader = new FrameReader();
  reader.push(PING_FRAME);
  const { tag, body } = reader.next()!;
  expect(session.incoming.verify(tag, body)).toBe(true);
});
