//! Settings: the definition of the keys, their checks, and the parsed form that the task works with.

mod check;
mod keys;
mod words;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;
use std::time::Duration;

use millstream_api::config::{Config, ConfigDef, ConfigValues, Secret};
use millstream_api::{Error, Result};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

pub(crate) use check::{parse_url, warnings};

use crate::object_key::KeyLayout;

/// The definition of all keys.
pub(crate) fn config_def() -> &'static ConfigDef {
    static DEF: LazyLock<ConfigDef> = LazyLock::new(keys::config_def);
    &DEF
}

/// Parses and checks a configuration, without looking at the outside world.
pub(crate) fn validate(config: &Config) -> ConfigValues {
    let mut values = config_def().validate(config);
    check::check(&mut values);
    values
}

/// Adds what is wrong across keys to values that were parsed one by one.
pub(crate) fn check(values: &mut ConfigValues) {
    check::check(values);
}

/// What a record without a value does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NullValues {
    /// Fails the task.
    Fail,
    /// Is skipped.
    Ignore {
        /// Also goes to the dead letter queue where there is one.
        report: bool,
    },
}

/// Server-side encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// The bucket's own.
    None,
    /// S3's keys.
    Aes256,
    /// A customer's key, base64.
    CustomerKey(Secret),
    /// KMS with a key id (empty: the account's default key).
    Kms { key: String, dual_layer: bool },
}

/// How the store is reached.
#[derive(Clone, Debug)]
pub(crate) struct StoreConfig {
    pub(crate) bucket: String,
    /// `None`: from the environment.
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) path_style: bool,
    pub(crate) credentials: Option<(String, Secret)>,
    pub(crate) anonymous: bool,
    pub(crate) encryption: Encryption,
    pub(crate) checksum: bool,
    pub(crate) proxy: Option<Secret>,
    pub(crate) tries: usize,
    pub(crate) retry_backoff: Duration,
}

/// All that a task needs to know.
#[derive(Clone, Debug)]
pub(crate) struct S3Config {
    pub(crate) store: StoreConfig,
    pub(crate) layout: KeyLayout,
    /// Records per topic partition before its files are closed; at least 1.
    pub(crate) flush_size: u64,
    pub(crate) part_size: usize,
    pub(crate) compression: Compression,
    pub(crate) null_values: NullValues,
    pub(crate) optional_map_keys: bool,
    /// Wait before the worker offers records again.
    pub(crate) retry_after: Duration,
}

impl S3Config {
    /// Reads a task's or connector's configuration.
    ///
    /// # Errors
    /// [`millstream_api::ErrorKind::Config`] with everything that is wrong.
    pub(crate) fn parse(config: &Config) -> Result<Self> {
        let values = validate(config).into_valid()?;
        let text = |key: &str| values.text(key).unwrap_or_default().to_owned();
        let int = |key: &str| values.int(key).unwrap_or_default();
        let (compression, extension) = codec(&text("parquet.codec"))?;
        let null_values = match values.text("behavior.on.null.values") {
            // A dead letter queue is there when it has a name; without one Java has nothing to report to.
            Some(word) if word.eq_ignore_ascii_case("ignore") => NullValues::Ignore {
                report: values.bool("report.null.values.to.dlq") == Some(true)
                    && config.get("errors.deadletterqueue.topic.name").is_some_and(|name| !name.trim().is_empty()),
            },
            _ => NullValues::Fail,
        };
        Ok(Self {
            store: StoreConfig::from_values(&values),
            layout: KeyLayout {
                topics_dir: text("topics.dir"),
                directory_delim: text("directory.delim"),
                file_delim: text("file.delim"),
                offset_digits: usize::try_from(int("filename.offset.zero.pad.width")).unwrap_or(10),
                extension,
            },
            flush_size: u64::try_from(int("flush.size")).unwrap_or(1).max(1),
            part_size: usize::try_from(int("s3.part.size")).unwrap_or(keys::MIN_PART_SIZE as usize),
            compression,
            null_values,
            optional_map_keys: values.bool("allow.optional.map.keys") == Some(true),
            retry_after: Duration::from_millis(u64::try_from(int("retry.backoff.ms")).unwrap_or(5000)),
        })
    }
}

impl StoreConfig {
    /// Reads what the store needs; `values` must be valid.
    pub(crate) fn from_values(values: &ConfigValues) -> Self {
        let text = |key: &str| values.text(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let secret = |key: &str| values.password(key).filter(|secret| !secret.expose().is_empty()).cloned();
        let encryption = match values.text("s3.ssea.name").unwrap_or_default() {
            "AES256" => secret("s3.sse.customer.key").map_or(Encryption::Aes256, Encryption::CustomerKey),
            name @ ("aws:kms" | "aws:kms:dsse") => Encryption::Kms {
                key: text("s3.sse.kms.key.id").unwrap_or_default(),
                dual_layer: name == "aws:kms:dsse",
            },
            _ => Encryption::None,
        };
        Self {
            bucket: text("s3.bucket.name").unwrap_or_default(),
            region: text("s3.region").filter(|_| values.get("s3.region").is_some_and(|value| value.given)),
            endpoint: text("store.url").and_then(|url| parse_url(&url).ok()).map(|url| url.to_string()),
            path_style: values.bool("s3.path.style.access.enabled") != Some(false),
            credentials: text("aws.access.key.id").zip(secret("aws.secret.access.key")),
            anonymous: values.text("s3.credentials.provider.class") == Some(words::ANONYMOUS_CREDENTIALS),
            encryption,
            checksum: values.bool("s3.send.digest") == Some(true),
            proxy: proxy(values),
            tries: usize::try_from(values.int("s3.part.retries").unwrap_or(3)).unwrap_or(3),
            retry_backoff: Duration::from_millis(
                u64::try_from(values.int("s3.retry.backoff.ms").unwrap_or(200)).unwrap_or(200).max(1),
            ),
        }
    }
}

pub(crate) use words::DEFAULT_REGION;

/// The proxy's URL with user and password in it; the two keys win over the URL's own.
fn proxy(values: &ConfigValues) -> Option<Secret> {
    let text = values.text("s3.proxy.url").filter(|text| !text.is_empty())?;
    let mut url = parse_url(text).ok()?;
    if let Some(user) = values.text("s3.proxy.user").filter(|user| !user.is_empty()) {
        url.set_username(user).ok()?;
    }
    if let Some(password) = values.password("s3.proxy.password").filter(|secret| !secret.expose().is_empty()) {
        url.set_password(Some(password.expose())).ok()?;
    }
    Some(Secret::new(url.as_str()))
}

/// The codec of a word, and the ending of the names of its files.
fn codec(word: &str) -> Result<(Compression, String)> {
    let (compression, ending) = match word {
        "none" => (Compression::UNCOMPRESSED, ""),
        "snappy" => (Compression::SNAPPY, ".snappy"),
        "gzip" => (Compression::GZIP(GzipLevel::default()), ".gz"),
        "zstd" => (Compression::ZSTD(ZstdLevel::default()), ".zstd"),
        "brotli" => (Compression::BROTLI(BrotliLevel::default()), ".br"),
        // Hadoop's framing, which every reader of the codec LZ4 understands, is what arrow-rs writes under this name.
        "lz4" => (Compression::LZ4, ".lz4hadoop"),
        "lz4_raw" => (Compression::LZ4_RAW, ".lz4raw"),
        other => return Err(Error::config(format!("parquet.codec {other} is not known"))),
    };
    Ok((compression, format!("{ending}.parquet")))
}
