//! The object store: how it is reached, what its errors mean, whether the bucket is there.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use millstream_api::{Error, ErrorKind, Result};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, Checksum};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig, StaticCredentialProvider};
use url::Url;

use crate::config::{DEFAULT_REGION, Encryption, StoreConfig};

/// A store that takes whole objects and objects in numbered parts.
pub(crate) trait Store: ObjectStore + MultipartStore {}
impl<T: ObjectStore + MultipartStore> Store for T {}

/// How long one request may take, a large part over a slow line included.
const REQUEST: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(10);
/// Quick tries of one request end after this; slower ones follow outside of the client.
const QUICK_TRIES: Duration = Duration::from_secs(60);
/// A check at validation is to answer while someone waits for it.
const CHECK: Duration = Duration::from_secs(8);

/// Opens the store for writing. Nothing is sent yet.
pub(crate) fn open(config: &StoreConfig) -> Result<Arc<dyn Store>> {
    // The key counts tries, the client counts repetitions.
    let retry = retry(config, config.tries.saturating_sub(1), QUICK_TRIES);
    build(config, retry, REQUEST, CONNECT)
}

fn retry(config: &StoreConfig, repetitions: usize, deadline: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: config.retry_backoff,
            max_backoff: Duration::from_secs(15).max(config.retry_backoff),
            base: 2.0,
        },
        max_retries: repetitions,
        retry_timeout: deadline,
    }
}

fn build(config: &StoreConfig, retry: RetryConfig, request: Duration, connect: Duration) -> Result<Arc<dyn Store>> {
    // The environment first: credentials, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION. Keys override it.
    let mut builder = AmazonS3Builder::from_env();
    let from_env = |builder: &AmazonS3Builder, key| builder.get_config_value(&key).filter(|text| !text.is_empty());
    let endpoint = config
        .endpoint
        .clone()
        .or_else(|| from_env(&builder, AmazonS3ConfigKey::S3Endpoint))
        .or_else(|| from_env(&builder, AmazonS3ConfigKey::Endpoint));
    if let Some(endpoint) = endpoint {
        let endpoint = if config.path_style { endpoint } else { with_bucket_as_host(&endpoint, &config.bucket) };
        // Both: the environment's S3 endpoint would win over a plain one.
        builder = builder.with_endpoint(&endpoint).with_config(AmazonS3ConfigKey::S3Endpoint, &endpoint);
    }
    let region = config.region.clone().or_else(|| from_env(&builder, AmazonS3ConfigKey::Region));
    builder = builder.with_region(region.unwrap_or_else(|| DEFAULT_REGION.to_owned()));
    if let Some((id, secret)) = &config.credentials {
        // Not through the builder's keys: a session token of the environment belongs to other credentials.
        let (key_id, secret_key) = (id.clone(), secret.expose().to_owned());
        let credential = AwsCredential { key_id, secret_key, token: None };
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(credential)));
    }
    builder = match &config.encryption {
        Encryption::None => builder,
        Encryption::Aes256 => named(builder, "aws_server_side_encryption", "AES256")?,
        Encryption::CustomerKey(key) => builder.with_ssec_encryption(key.expose()),
        Encryption::Kms { key, dual_layer } => {
            let name = if *dual_layer { "aws:kms:dsse" } else { "aws:kms" };
            let builder = named(builder, "aws_server_side_encryption", name)?;
            if key.is_empty() { builder } else { named(builder, "aws_sse_kms_key_id", key)? }
        }
    };
    if config.checksum {
        builder = builder.with_checksum_algorithm(Checksum::SHA256);
    }
    let mut options = ClientOptions::new()
        .with_allow_http(true)
        .with_timeout(request)
        .with_connect_timeout(connect)
        .with_default_content_type("binary/octet-stream");
    if let Some(proxy) = &config.proxy {
        options = options.with_proxy_url(proxy.expose());
    }
    let store = builder
        .with_bucket_name(&config.bucket)
        .with_virtual_hosted_style_request(!config.path_style)
        .with_skip_signature(config.anonymous)
        .with_retry(retry)
        .with_client_options(options)
        .build()
        .map_err(|error| {
            Error::config(format!("cannot set up the client of bucket {}", config.bucket)).caused_by(error)
        })?;
    Ok(Arc::new(store))
}

/// Sets a key of the client that has no method of its own: its Rust name is not public.
fn named(builder: AmazonS3Builder, key: &str, value: &str) -> Result<AmazonS3Builder> {
    let key = key.parse().map_err(|error: object_store::Error| {
        Error::internal(format!("the S3 client has no {key}")).caused_by(error)
    })?;
    Ok(builder.with_config(key, value))
}

/// `https://host` as `https://bucket.host`: object_store takes the endpoint of a virtual host as a whole.
fn with_bucket_as_host(endpoint: &str, bucket: &str) -> String {
    let Ok(mut url) = Url::parse(endpoint) else { return endpoint.to_owned() };
    match url.domain().map(|host| format!("{bucket}.{host}")) {
        Some(host) if url.set_host(Some(&host)).is_ok() => url.to_string(),
        _ => endpoint.to_owned(),
    }
}

/// What went wrong with a request, kept until the task can tell it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: ErrorKind,
    what: String,
    cause: String,
    hint: &'static str,
}

impl Failure {
    /// Judges an error of the store; `what` says which request it was and names bucket and object.
    pub(crate) fn of(what: impl Into<String>, error: &object_store::Error) -> Self {
        let cause = text_of(error);
        let (kind, hint) = judge(error, &cause);
        Self { kind, what: what.into(), cause, hint }
    }

    /// True when the same request may work in a moment.
    pub(crate) fn is_transient(&self) -> bool {
        self.kind == ErrorKind::Retriable
    }

    /// The error to hand on.
    pub(crate) fn error(&self) -> Error {
        let error = Error::new(self.kind, format!("{}: {}", self.what, self.cause));
        if self.hint.is_empty() { error } else { error.hint(self.hint) }
    }
}

const NO_BUCKET: &str = "create the bucket or correct s3.bucket.name";
const NO_ACCESS: &str =
    "check the credentials (aws.access.key.id, AWS_ACCESS_KEY_ID or the machine's role) and the bucket's policy";

fn judge(error: &object_store::Error, text: &str) -> (ErrorKind, &'static str) {
    use object_store::Error as E;
    match error {
        E::NotFound { .. } if text.contains("NoSuchBucket") => (ErrorKind::Fatal, NO_BUCKET),
        E::NotFound { .. } => (ErrorKind::Fatal, ""),
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => (ErrorKind::Fatal, NO_ACCESS),
        // S3 answers 409 while it is busy with the same object.
        E::AlreadyExists { .. } => (ErrorKind::Retriable, ""),
        E::Generic { .. } => match status(text) {
            Some(404) if text.contains("NoSuchBucket") => (ErrorKind::Fatal, NO_BUCKET),
            Some(401 | 403) => (ErrorKind::Fatal, NO_ACCESS),
            Some(408 | 409 | 425 | 429) => (ErrorKind::Retriable, ""),
            Some(400..=499) => (ErrorKind::Fatal, ""),
            _ if text.contains("redirect without LOCATION") => {
                (ErrorKind::Fatal, "the bucket is in another region: correct s3.region")
            }
            _ => (ErrorKind::Retriable, ""),
        },
        _ => (ErrorKind::Fatal, ""),
    }
}

/// The status code that object_store's text names: its error type for it is not public.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// The error with its causes, without the pieces that repeat and without query strings (they hold signatures).
fn text_of(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    let words = text.split_whitespace().map(|word| match word.split_once('?') {
        Some((url, _)) if url.starts_with("http") => url,
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Looks whether the bucket is there and can be reached with the credentials there are.
///
/// # Errors
/// A [`Failure`] that names the bucket. Credentials that may write but not list pass, as they do at the incumbent.
pub(crate) async fn probe(store: &dyn Store, bucket: &str) -> std::result::Result<(), Failure> {
    // A prefix nothing has: the answer is small whatever the bucket holds.
    let nothing = Path::from("millstream-looks-whether-the-bucket-is-there");
    match store.list(Some(&nothing)).next().await {
        Some(Err(error)) => {
            let failure = Failure::of(format!("bucket {bucket} cannot be used"), &error);
            if failure.cause.contains("<Code>AccessDenied</Code>") {
                tracing::warn!(
                    bucket,
                    "listing the bucket is not allowed: whether it exists shows at the first upload"
                );
                return Ok(());
            }
            Err(failure)
        }
        _ => Ok(()),
    }
}

/// [`probe`] for validation: few tries, short waits.
pub(crate) async fn probe_for_validation(config: &StoreConfig) -> std::result::Result<(), (&'static str, String)> {
    let store = build(config, retry(config, 1, CHECK), CHECK, Duration::from_secs(3))
        .map_err(|error| ("s3.bucket.name", error.to_string()))?;
    let key_of = |text: &str| match text {
        _ if text.contains("NoSuchBucket") => "s3.bucket.name",
        _ if text.contains("InvalidAccessKeyId") || text.contains("SignatureDoesNotMatch") => "aws.access.key.id",
        _ if config.endpoint.is_some() => "store.url",
        _ => "s3.bucket.name",
    };
    match tokio::time::timeout(CHECK, probe(store.as_ref(), &config.bucket)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => {
            let text = failure.error().to_string();
            Err((key_of(&text), text))
        }
        Err(_) => Err((
            key_of(""),
            format!(
                "bucket {} gave no answer within {} s; check store.url, s3.region, proxy and credentials",
                config.bucket,
                CHECK.as_secs()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn errors_are_judged_by_what_may_change() {
        for (text, transient) in [
            ("Server returned non-2xx status code: 503 Service Unavailable: SlowDown", true),
            ("Server returned non-2xx status code: 429 Too Many Requests", true),
            ("Server returned non-2xx status code: 400 Bad Request: <Code>InvalidArgument</Code>", false),
            ("HTTP error: error sending request", true),
            ("Received redirect without LOCATION, this normally indicates an incorrectly configured region", false),
        ] {
            assert_eq!(Failure::of("put", &generic(text)).is_transient(), transient, "{text}");
        }
        let denied = object_store::Error::PermissionDenied { path: "a".to_owned(), source: "no".into() };
        assert!(!Failure::of("put", &denied).is_transient());
    }

    #[test]
    fn no_signature_in_texts() {
        let failure = Failure::of("put", &generic("PUT http://h/b/k?X-Amz-Signature=abc&x=1 failed"));
        assert!(!failure.error().to_string().contains("abc"));
    }

    #[test]
    fn the_bucket_becomes_a_host() {
        assert_eq!(with_bucket_as_host("https://s3.example.com", "b"), "https://b.s3.example.com/");
        assert_eq!(with_bucket_as_host("http://127.0.0.1:9000", "b"), "http://127.0.0.1:9000");
    }
}
