/** Certificates for tests of TLS: authorities of a test's own and what they sign, as PEM texts. Writes nothing. */
import { generate } from 'selfsigned';

export type Certificate = { readonly cert: string; readonly key: string };

const modern = { keyType: 'ec', algorithm: 'sha256' } as const;

export async function createAuthority(name: string): Promise<Certificate> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...modern,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  return { cert, key };
}

/** @param host the one name that a server may be reached by; without it the certificate is a client's. */
export async function issueCertificate(authority: Certificate, name: string, host: { ip: string } | { dns: string } | null = null) {
  const altName = host === null ? [] : ['ip' in host ? { type: 7 as const, ip: host.ip } : { type: 2 as const, value: host.dns }];
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...modern,
    ca: authority,
    extensions: [
      { name: 'basicConstraints', cA: false },
      ...(altName.length === 0 ? [] : [{ name: 'subjectAltName' as const, altNames: altName }]),
    ],
  });
  return { cert, key };
}
