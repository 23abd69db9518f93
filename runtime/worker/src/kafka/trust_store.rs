//! PKCS12 trust stores, which librdkafka does not read, as the PEM text it does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Config, Error, Result};
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};

use super::security::Named;

/// All certificates of the store that `ssl.truststore.location` names.
pub(super) fn as_pem(settings: &Config, named: &Named<'_>, path: &str) -> Result<String> {
    let key = named.full("ssl.truststore.location");
    let bytes = std::fs::read(path)
        .map_err(|e| Error::config(format!("the file {path} of {key} cannot be read")).caused_by(e))?;
    let password = settings.get("ssl.truststore.password").unwrap_or_default();
    let store = KeyStore::from_pkcs12(&bytes, password, Pkcs12ImportPolicy::Relaxed).map_err(|e| {
        Error::config(format!("the trust store {path} of {key} cannot be read"))
            .caused_by(e)
            .hint(format!("check the file and {}", named.full("ssl.truststore.password")))
    })?;
    let mut pem = String::new();
    for (_, entry) in store.entries() {
        let certificates = match entry {
            KeyStoreEntry::Certificate(certificate) => std::slice::from_ref(certificate),
            KeyStoreEntry::PrivateKeyChain(chain) => chain.certs(),
            KeyStoreEntry::Secret(_) => &[],
        };
        for certificate in certificates {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            for line in STANDARD.encode(certificate.as_der()).as_bytes().chunks(64) {
                pem.push_str(&String::from_utf8_lossy(line));
                pem.push('\n');
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
    }
    if pem.is_empty() {
        return Err(Error::config(format!("the trust store {path} of {key} holds no certificate")));
    }
    Ok(pem)
}
