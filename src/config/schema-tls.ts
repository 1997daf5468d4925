import { bareText, choice, flag, section } from './setting.ts';

export const TLS = section(
  'Encryption of what the server listens on; see docs/tls.md. SIGHUP reads the files anew.',
  {
    http: flag(true, 'Also of health, metrics, dashboard and gateway; false: only of the port that agents connect to.'),
    client_certificates: choice(
      'required',
      ['required', 'optional'],
      'With client_ca, at the port that agents connect to: whether who shows none is let in. Keys can ask for one by name: keys.certificates.',
    ),
  },
  {
    cert: bareText('File of the certificate, with those that it is signed by behind it, in PEM. With it TLS is on.', {
      isPath: true,
    }),
    key: bareText('File of its private key, in PEM, without a passphrase.', { isPath: true }),
    client_ca: bareText('File of the authorities, in PEM, whose certificates clients show.', { isPath: true }),
  },
);
