import { bareText, flag, list, section } from './setting.ts';

export const DASHBOARD = section('The page at / of the HTTP listener; see docs/operations.md.', {
  enabled: flag(true, 'Serve it.'),
  allowed_hosts: list(
    [],
    bareText('A name, as memory.example.com, or an address.', { maxLength: 253, pattern: '^[A-Za-z0-9.:_-]+$' }),
    0,
    100,
    'Names under which browsers may ask for it, beside localhost and the addresses of this machine, as ["memory.example.com"].',
  ),
});
