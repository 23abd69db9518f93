//! TLS of https listeners: `listeners.https.ssl.*`, `admin.listeners.https.ssl.*`, else `ssl.*`.

use millstream_api::{Config, ConfigValues, Secret};

/// TLS of the https listeners among `listeners` or `admin.listeners`. No file has been read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// What stands before `ssl.` in the keys that count.
    pub prefix: &'static str,
    /// Our certificate and key.
    pub keystore: Keystore,
    /// Who may sign callers' certificates.
    pub truststore: Option<Truststore>,
    /// Do callers show a certificate?
    pub client_auth: ClientAuth,
    /// Versions spoken; never empty.
    pub versions: Vec<TlsVersion>,
    /// Java's names of the cipher suites allowed; `None`: all there are.
    pub cipher_suites: Option<Vec<String>>,
    /// Keys that are set and do nothing here.
    pub without_effect: Vec<String>,
}

/// Our certificate chain and private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keystore {
    /// PEM texts in the settings.
    Pem {
        /// The key, PKCS#8, maybe encrypted.
        key: Secret,
        /// Certificates, ours first.
        chain: String,
        /// Opens an encrypted key.
        key_password: Option<Secret>,
    },
    /// A file.
    File {
        /// The file.
        store: CertificateStore,
        /// Opens an encrypted key; that of a PKCS#12 store is mostly the store's.
        key_password: Option<Secret>,
    },
}

/// Certificates of authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truststore {
    /// PEM texts in the settings.
    Pem(String),
    /// A file.
    File(CertificateStore),
}

/// A file of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateStore {
    /// Where it is.
    pub path: String,
    /// What it is said to be.
    pub kind: StoreKind,
    /// Opens it.
    pub password: Option<Secret>,
}

/// Kinds of files of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// Java's own kind, the default. Java reads PKCS#12 under this name too, so the file itself decides.
    Jks,
    /// PKCS#12.
    Pkcs12,
    /// PEM.
    Pem,
}

/// Do callers show a certificate?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// They are not asked.
    #[default]
    None,
    /// They may; one that is shown must be good.
    Requested,
    /// They must.
    Required,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

/// Settings of the JVM's own TLS machinery.
const WITHOUT_EFFECT: &[&str] = &[
    "endpoint.identification.algorithm",
    "keymanager.algorithm",
    "protocol",
    "provider",
    "secure.random.implementation",
    "trustmanager.algorithm",
];

/// Reads the settings below a prefix.
struct Keys<'a> {
    settings: Config,
    prefix: &'static str,
    values: &'a mut ConfigValues,
}

impl TlsSettings {
    /// `prefix` is `listeners.https.` or `admin.listeners.https.`: when any key has it, only keys with it count.
    pub(super) fn of(values: &mut ConfigValues, raw: &Config, prefix: &'static str) -> Option<Self> {
        let prefixed = raw.with_prefix(prefix);
        let mut keys = match prefixed.is_empty() {
            true => Keys { settings: raw.clone(), prefix: "", values },
            false => Keys { settings: prefixed, prefix, values },
        };
        if keys.text("engine.factory.class").is_some() {
            keys.wrong("engine.factory.class", "is a Java class, which cannot be loaded here");
        }
        let keystore = keys.keystore();
        let truststore = keys.truststore();
        let client_auth = keys.client_auth();
        if client_auth != ClientAuth::None && truststore.is_none() {
            keys.wrong("truststore.location", "is missing: it names who may sign the callers' certificates");
        }
        let versions = keys.versions();
        let cipher_suites = keys.list("cipher.suites");
        let without_effect =
            WITHOUT_EFFECT.iter().filter(|key| keys.text(key).is_some()).map(|key| keys.full(key)).collect();
        let prefix = keys.prefix;
        Some(Self { prefix, keystore: keystore?, truststore, client_auth, versions, cipher_suites, without_effect })
    }
}

impl Keys<'_> {
    fn full(&self, key: &str) -> String {
        format!("{}ssl.{key}", self.prefix)
    }

    fn text(&self, key: &str) -> Option<String> {
        let text = self.settings.get(&format!("ssl.{key}"))?;
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }

    /// Passwords count with their blanks.
    fn secret(&self, key: &str) -> Option<Secret> {
        self.settings.get(&format!("ssl.{key}")).filter(|text| !text.is_empty()).map(Secret::new)
    }

    fn list(&self, key: &str) -> Option<Vec<String>> {
        let items: Vec<_> = self.text(key)?.split(',').map(|item| item.trim().to_owned()).collect();
        Some(items.into_iter().filter(|item| !item.is_empty()).collect())
    }

    fn wrong(&mut self, key: &str, reason: &str) {
        let full = self.full(key);
        self.values.error(&full, format!("{full} {reason}"));
    }

    fn kind(&mut self, key: &str) -> StoreKind {
        match self.text(key).map(|kind| kind.to_ascii_uppercase()).as_deref() {
            None | Some("JKS") => StoreKind::Jks,
            Some("PKCS12") => StoreKind::Pkcs12,
            Some("PEM") => StoreKind::Pem,
            Some(other) => {
                let reason = format!("is {other}, which cannot be read here; PKCS12 and PEM can");
                self.wrong(key, &reason);
                StoreKind::Pkcs12
            }
        }
    }

    fn keystore(&mut self) -> Option<Keystore> {
        let kind = self.kind("keystore.type");
        let key_password = self.secret("key.password");
        match (self.secret("keystore.key"), self.text("keystore.certificate.chain"), self.text("keystore.location")) {
            (None, None, Some(path)) => {
                let password = self.secret("keystore.password");
                Some(Keystore::File { store: CertificateStore { path, kind, password }, key_password })
            }
            (Some(key), Some(chain), None) => Some(Keystore::Pem { key, chain, key_password }),
            (None, None, None) => {
                self.wrong("keystore.location", "is missing: an https listener needs a certificate and its key");
                None
            }
            (None, _, _) => {
                self.wrong("keystore.key", "is missing beside the certificate chain");
                None
            }
            (Some(_), None, _) => {
                self.wrong("keystore.certificate.chain", "is missing beside the key");
                None
            }
            (Some(_), Some(_), Some(_)) => {
                self.wrong("keystore.location", "names a second key beside that of ssl.keystore.key");
                None
            }
        }
    }

    fn truststore(&mut self) -> Option<Truststore> {
        let kind = self.kind("truststore.type");
        match (self.text("truststore.certificates"), self.text("truststore.location")) {
            (Some(certificates), _) => Some(Truststore::Pem(certificates)),
            (None, Some(path)) => {
                let password = self.secret("truststore.password");
                Some(Truststore::File(CertificateStore { path, kind, password }))
            }
            (None, None) => None,
        }
    }

    fn client_auth(&mut self) -> ClientAuth {
        match self.text("client.auth").as_deref() {
            None | Some("none") => ClientAuth::None,
            Some("requested") => ClientAuth::Requested,
            Some("required") => ClientAuth::Required,
            // Without a prefix the key's own definition tells.
            Some(_) if self.prefix.is_empty() => ClientAuth::Required,
            Some(other) => {
                let reason = format!("is {other}; it must be one of: required, requested, none");
                self.wrong("client.auth", &reason);
                ClientAuth::Required
            }
        }
    }

    fn versions(&mut self) -> Vec<TlsVersion> {
        let Some(names) = self.list("enabled.protocols") else { return vec![TlsVersion::V13, TlsVersion::V12] };
        let known = |name: &String| match name.as_str() {
            "TLSv1.2" => Some(TlsVersion::V12),
            "TLSv1.3" => Some(TlsVersion::V13),
            _ => None,
        };
        let versions: Vec<_> = names.iter().filter_map(known).collect();
        if versions.is_empty() {
            self.wrong("enabled.protocols", "names neither TLSv1.3 nor TLSv1.2; older versions are not spoken here");
        }
        versions
    }
}
