//! Reads keys and certificates: PEM texts and files, PKCS#12 stores.

use millstream_api::{Error, Result, Secret};
use millstream_core::settings::{CertificateStore, Keystore, StoreKind, Truststore};
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use pkcs8::EncryptedPrivateKeyInfoRef;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::pem;

/// A certificate chain, ours first, and its key.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// The first bytes of Java's own stores.
const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];

/// What a file turned out to be.
enum Contents {
    Pem(String),
    Pkcs12(KeyStore),
}

/// Reads our certificate and key; `prefix` stands before the keys that errors name.
pub(super) fn identity(keystore: &Keystore, prefix: &str) -> Result<Identity> {
    match keystore {
        Keystore::Pem { key, chain, key_password } => {
            let key_name = format!("{prefix}ssl.keystore.key");
            Ok(Identity {
                chain: certificates(chain, &format!("{prefix}ssl.keystore.certificate.chain"))?,
                key: private_key(key.expose(), key_password.as_ref(), &key_name, prefix)?,
            })
        }
        Keystore::File { store, key_password } => {
            let name = format!("{prefix}ssl.keystore.location {}", store.path);
            match read(store, &name, prefix, "keystore")? {
                Contents::Pem(text) => Ok(Identity {
                    chain: certificates(&text, &name)?,
                    key: private_key(&text, key_password.as_ref(), &name, prefix)?,
                }),
                Contents::Pkcs12(store) => {
                    let (_, chain) = store
                        .private_key_chain()
                        .ok_or_else(|| Error::config(format!("{name}: the store holds no key with its certificate")))?;
                    let key = chain.key().as_der().to_vec();
                    Ok(Identity {
                        chain: chain.certs().iter().map(|cert| cert.as_der().to_vec().into()).collect(),
                        key: PrivatePkcs8KeyDer::from(key).into(),
                    })
                }
            }
        }
    }
}

/// Reads the certificates of those who may sign callers' certificates.
pub(super) fn authorities(truststore: &Truststore, prefix: &str) -> Result<Vec<CertificateDer<'static>>> {
    match truststore {
        Truststore::Pem(text) => certificates(text, &format!("{prefix}ssl.truststore.certificates")),
        Truststore::File(store) => {
            let name = format!("{prefix}ssl.truststore.location {}", store.path);
            let found = match read(store, &name, prefix, "truststore")? {
                Contents::Pem(text) => certificates(&text, &name)?,
                Contents::Pkcs12(store) => store
                    .entries()
                    .flat_map(|(_, entry)| match entry {
                        KeyStoreEntry::Certificate(certificate) => vec![certificate.as_der().to_vec().into()],
                        KeyStoreEntry::PrivateKeyChain(chain) => {
                            chain.certs().iter().map(|certificate| certificate.as_der().to_vec().into()).collect()
                        }
                        KeyStoreEntry::Secret(_) => Vec::new(),
                    })
                    .collect(),
            };
            if found.is_empty() {
                return Err(Error::config(format!("{name}: the store holds no certificate")));
            }
            Ok(found)
        }
    }
}

fn read(store: &CertificateStore, name: &str, prefix: &str, which: &str) -> Result<Contents> {
    let bytes = std::fs::read(&store.path).map_err(|e| {
        Error::config(format!("{name} cannot be read")).caused_by(e).hint("check the path and the file's permissions")
    })?;
    if bytes.starts_with(&JKS) || bytes.starts_with(&JCEKS) {
        return Err(Error::config(format!("{name} is a store of Java's own kind (JKS), which cannot be read here")).hint(
            format!(
                "convert it: keytool -importkeystore -srckeystore {0} -destkeystore {0}.p12 -deststoretype PKCS12, and name that file",
                store.path
            ),
        ));
    }
    // Java reads PKCS#12 files whatever the type says, and many a setting says nothing.
    if store.kind == StoreKind::Pem || bytes.windows(11).any(|window| window == b"-----BEGIN ") {
        let text = String::from_utf8(bytes).map_err(|_| Error::config(format!("{name} is no PEM text")))?;
        return Ok(Contents::Pem(text));
    }
    let password_key = format!("{prefix}ssl.{which}.password");
    let password = store.password.as_ref().map_or("", Secret::expose);
    let opened = KeyStore::from_pkcs12(&bytes, password, Pkcs12ImportPolicy::Relaxed);
    opened.map(Contents::Pkcs12).map_err(|e| {
        Error::config(format!("{name} cannot be opened as a PKCS#12 store")).caused_by(e.to_string()).hint(match &store
            .password
        {
            Some(_) => format!("check {password_key}"),
            None => format!("set {password_key}"),
        })
    })
}

/// All certificates of a PEM text.
fn certificates(text: &str, name: &str) -> Result<Vec<CertificateDer<'static>>> {
    let blocks = pem::blocks(text).map_err(|reason| Error::config(format!("{name}: {reason}")))?;
    let found: Vec<_> = blocks
        .into_iter()
        .filter(|block| matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE"))
        .map(|block| CertificateDer::from(block.der))
        .collect();
    if found.is_empty() {
        return Err(Error::config(format!("{name} holds no certificate"))
            .hint("a PEM text is expected: -----BEGIN CERTIFICATE----- and so on"));
    }
    Ok(found)
}

/// The first key of a PEM text.
fn private_key(text: &str, password: Option<&Secret>, name: &str, prefix: &str) -> Result<PrivateKeyDer<'static>> {
    let blocks = pem::blocks(text).map_err(|reason| Error::config(format!("{name}: {reason}")))?;
    let Some(block) = blocks.into_iter().find(|block| block.label.ends_with("PRIVATE KEY")) else {
        return Err(Error::config(format!("{name} holds no private key"))
            .hint("a PEM text is expected: -----BEGIN PRIVATE KEY----- and so on"));
    };
    match (block.label.as_str(), password) {
        ("PRIVATE KEY", _) => Ok(PrivatePkcs8KeyDer::from(block.der).into()),
        ("RSA PRIVATE KEY", _) => Ok(PrivateKeyDer::Pkcs1(block.der.into())),
        ("EC PRIVATE KEY", _) => Ok(PrivateKeyDer::Sec1(block.der.into())),
        ("ENCRYPTED PRIVATE KEY", None) => {
            Err(Error::config(format!("{name}: the key is encrypted")).hint(format!("set {prefix}ssl.key.password")))
        }
        ("ENCRYPTED PRIVATE KEY", Some(password)) => {
            let opened = EncryptedPrivateKeyInfoRef::try_from(block.der.as_slice())
                .and_then(|info| info.decrypt(password.expose()));
            let key = opened.map_err(|e| {
                Error::config(format!("{name}: the key cannot be decrypted"))
                    .caused_by(e.to_string())
                    .hint(format!("check {prefix}ssl.key.password"))
            })?;
            Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
        }
        (other, _) => Err(Error::config(format!("{name}: a key of kind {other} cannot be read"))
            .hint("convert it: openssl pkcs8 -topk8 -nodes")),
    }
}
