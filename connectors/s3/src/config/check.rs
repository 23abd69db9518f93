//! Checks across keys, what this release cannot do yet, and which keys forms show.

use base64::Engine as _;
use millstream_api::config::ConfigValues;
use object_store::path::Path;
use url::Url;

use super::words;
use crate::object_key::{KeyLayout, encode_partition};

const TIME_PARTITIONERS: [&str; 3] = [words::TIME_PARTITIONER, words::HOURLY_PARTITIONER, words::DAILY_PARTITIONER];

/// Adds what is wrong with the settings taken together. Asks nothing of the outside world.
pub(crate) fn check(values: &mut ConfigValues) {
    classes(values);
    compression(values);
    null_values(values);
    not_yet(values);
    object_names(values);
    credentials(values);
    urls(values);
    encryption(values);
    visibility(values);
}

/// What is accepted but surely not meant: a sentence each, for the log.
pub(crate) fn warnings(values: &ConfigValues) -> Vec<String> {
    let mut warnings = Vec::new();
    let partitioner = values.text("partitioner.class").unwrap_or_default();
    if values.int("rotate.interval.ms").unwrap_or(-1) > 0 && !TIME_PARTITIONERS.contains(&partitioner) {
        warnings.push(
            "rotate.interval.ms is ignored: it needs a time-based partitioner, and partitioner.class names another. \
             Files are closed by flush.size and by changes of schema alone"
                .to_owned(),
        );
    }
    let mode = values.text("schema.compatibility").unwrap_or_default();
    if !words::COMPATIBILITY.contains(&mode) {
        let near = words::COMPATIBILITY.iter().find(|word| word.eq_ignore_ascii_case(mode));
        let hint = near.map(|word| format!("; did you mean {word}?")).unwrap_or_default();
        warnings.push(format!("schema.compatibility={mode} is no known mode and means NONE{hint}"));
    }
    let given = |key: &str| values.text(key).is_some_and(|text| !text.is_empty());
    let secret = values.password("aws.secret.access.key").is_some_and(|secret| !secret.expose().is_empty());
    if given("aws.access.key.id") != secret {
        warnings.push(
            "aws.access.key.id and aws.secret.access.key count only together: credentials come from AWS's usual chain"
                .to_owned(),
        );
    }
    warnings
}

fn classes(values: &mut ConfigValues) {
    let later = "is not available yet in Millstream; only ParquetFormat is";
    match values.text("format.class").map(str::to_owned) {
        Some(class) if class == words::PARQUET_FORMAT => {}
        Some(class) if words::FORMATS.contains(&class.as_str()) => {
            values.error("format.class", format!("Format {class} {later}"));
        }
        Some(class) => {
            let near = words::FORMATS.iter().find(|known| known.rsplit('.').next() == class.rsplit('.').next());
            let hint = near.map(|known| format!(" (did you mean {known}?)")).unwrap_or_default();
            values.error("format.class", format!("Format {class} is not known{hint}"));
        }
        None => {}
    }
    for key in ["keys.format.class", "headers.format.class"] {
        if let Some(class) = values.text(key).map(str::to_owned)
            && !words::FORMATS.contains(&class.as_str())
        {
            values.error(key, format!("Format {class} is not known"));
        }
    }
    if let Some(class) = values.text("storage.class").map(str::to_owned)
        && class != words::S3_STORAGE
    {
        values.error("storage.class", format!("Storage {class} is not known; the one there is: {}", words::S3_STORAGE));
    }
    match values.text("partitioner.class").map(str::to_owned) {
        Some(class) if class == words::DEFAULT_PARTITIONER => {}
        Some(class) if words::PARTITIONERS.contains(&class.as_str()) => {
            values.error(
                "partitioner.class",
                format!("Partitioner {class} is not available yet in Millstream; only DefaultPartitioner is"),
            );
            if class == words::FIELD_PARTITIONER && values.list("partition.field.name").is_empty() {
                values.error("partition.field.name", "FieldPartitioner needs the names of its fields");
            }
        }
        Some(class) => values.error("partitioner.class", format!("Partitioner {class} is not known")),
        None => {}
    }
}

/// gzip of whole objects fits JSON and bytes alone; each key that takes part gets the error.
fn compression(values: &mut ConfigValues) {
    if values.text("s3.compression.type") != Some("gzip") {
        return;
    }
    let compressible = |class: Option<&str>| matches!(class, Some(words::JSON_FORMAT | words::BYTES_FORMAT));
    let mut culprits = Vec::new();
    if !compressible(values.text("format.class")) {
        culprits.push("format.class");
    }
    for (switch, format) in [("store.kafka.keys", "keys.format.class"), ("store.kafka.headers", "headers.format.class")]
    {
        if values.bool(switch) == Some(true) && !compressible(values.text(format)) {
            culprits.extend([switch, format]);
        }
    }
    if culprits.is_empty() {
        return;
    }
    for key in culprits.into_iter().chain(["s3.compression.type"]) {
        values.error(key, "s3.compression.type=gzip works with JSON and bytes files only; Parquet has parquet.codec");
    }
}

fn null_values(values: &mut ConfigValues) {
    let write = values.text("behavior.on.null.values").is_some_and(|word| word.eq_ignore_ascii_case("write"));
    if !write {
        return;
    }
    if values.bool("store.kafka.keys") == Some(true) {
        values.error("behavior.on.null.values", "write is not available yet in Millstream; use fail or ignore");
    } else {
        for key in ["behavior.on.null.values", "store.kafka.keys"] {
            values.error(key, "behavior.on.null.values=write needs store.kafka.keys=true");
        }
    }
}

/// What a later release brings: refused and not ignored, since the output would differ from what was asked for.
fn not_yet(values: &mut ConfigValues) {
    let on = |key: &str| values.bool(key) == Some(true);
    let mode = values.text("schema.compatibility").unwrap_or_default();
    let affix = values.text("s3.schema.partition.affix.type").unwrap_or_default();
    let asked = [
        (
            "rotate.schedule.interval.ms",
            values.int("rotate.schedule.interval.ms").unwrap_or(-1) > 0,
            "Scheduled rotation",
        ),
        ("schema.compatibility", words::COMPATIBILITY[1..].contains(&mode), "Schema compatibility other than NONE"),
        ("store.kafka.keys", on("store.kafka.keys"), "Storing keys"),
        ("store.kafka.headers", on("store.kafka.headers"), "Storing headers"),
        ("s3.object.tagging", on("s3.object.tagging"), "Tagging of objects"),
        ("s3.acl.canned", values.text("s3.acl.canned").is_some(), "A canned ACL"),
        ("s3.wan.mode", on("s3.wan.mode") && !on("s3.path.style.access.enabled"), "Transfer acceleration"),
        (
            "s3.schema.partition.affix.type",
            matches!(affix, "PREFIX" | "SUFFIX"),
            "A directory level with the schema's name",
        ),
    ];
    let accelerated_path = on("s3.wan.mode") && on("s3.path.style.access.enabled");
    let codec_lzo = values.text("parquet.codec") == Some("lzo");
    for (key, _, what) in asked.into_iter().filter(|(_, asked, _)| *asked) {
        values.error(key, format!("{what} is not available yet in Millstream"));
    }
    if accelerated_path {
        for key in ["s3.wan.mode", "s3.path.style.access.enabled"] {
            values.error(key, "Transfer acceleration excludes path style: set s3.path.style.access.enabled=false");
        }
    }
    if codec_lzo {
        values.error("parquet.codec", "No writer of lzo is free to use; take snappy, zstd or lz4_raw");
    }
}

/// Names that no store takes, told before the first upload tells it.
fn object_names(values: &mut ConfigValues) {
    if values.int("filename.offset.zero.pad.width") == Some(0) {
        values.error("filename.offset.zero.pad.width", "Object names need at least one digit of the offset");
    }
    let text = |key: &str| values.text(key).unwrap_or_default().to_owned();
    let layout = KeyLayout {
        topics_dir: text("topics.dir"),
        directory_delim: text("directory.delim"),
        file_delim: text("file.delim"),
        offset_digits: 10,
        extension: String::new(),
    };
    let Err(reason) = Path::parse(layout.key("t", &encode_partition(0), "t", 0, 0)) else { return };
    let plain = KeyLayout { topics_dir: "t".to_owned(), ..layout };
    let culprit = match Path::parse(plain.key("t", &encode_partition(0), "t", 0, 0)) {
        Ok(_) => "topics.dir",
        Err(_) => "directory.delim",
    };
    values.error(culprit, format!("Object names with this {culprit} would be refused by S3: {reason}"));
}

fn credentials(values: &mut ConfigValues) {
    let class = values.text("s3.credentials.provider.class").unwrap_or_default().to_owned();
    if !words::CHAIN_CREDENTIALS.contains(&class.as_str()) && class != words::ANONYMOUS_CREDENTIALS {
        values.error(
            "s3.credentials.provider.class",
            format!(
                "Credentials provider {class} is not available in Millstream: set aws.access.key.id and \
                 aws.secret.access.key, or leave the key out for AWS's usual chain (environment, web identity, \
                 container, instance)"
            ),
        );
    }
}

fn encryption(values: &mut ConfigValues) {
    let customer_key = values.password("s3.sse.customer.key").map(|secret| secret.expose().to_owned());
    if values.text("s3.ssea.name") == Some("AES256")
        && let Some(key) = customer_key.filter(|key| !key.is_empty())
        && base64::engine::general_purpose::STANDARD.decode(&key).map_or(true, |bytes| bytes.len() != 32)
    {
        values.error("s3.sse.customer.key", "The customer key must be 32 bytes in base64");
    }
}

fn urls(values: &mut ConfigValues) {
    for key in ["store.url", "s3.proxy.url"] {
        let Some(text) = values.text(key).filter(|text| !text.is_empty()) else { continue };
        if let Err(reason) = parse_url(text) {
            values.error(key, format!("{key} is no URL of an HTTP server: {reason}"));
        }
    }
}

/// Reads `http://host:port`, `https://host` or `host:port` (which means https).
pub(crate) fn parse_url(text: &str) -> Result<Url, String> {
    let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(format!("scheme {scheme} is not http or https")),
    }
}

/// Hides from forms what does not apply with the other settings as they are.
fn visibility(values: &mut ConfigValues) {
    let on = |key: &str| values.bool(key) == Some(true);
    let formats = [
        values.text("format.class"),
        on("store.kafka.keys").then(|| values.text("keys.format.class")).flatten(),
        on("store.kafka.headers").then(|| values.text("headers.format.class")).flatten(),
    ];
    let partitioner = values.text("partitioner.class").unwrap_or_default();
    let timed = TIME_PARTITIONERS.contains(&partitioner);
    let shown = [
        ("avro.codec", formats.contains(&Some(words::AVRO_FORMAT))),
        ("parquet.codec", formats.contains(&Some(words::PARQUET_FORMAT))),
        ("s3.sse.kms.key.id", values.text("s3.ssea.name").is_some_and(|name| name.starts_with("aws:kms"))),
        ("keys.format.class", on("store.kafka.keys")),
        ("headers.format.class", on("store.kafka.headers")),
        ("partition.field.name", partitioner == words::FIELD_PARTITIONER),
        ("partition.duration.ms", partitioner == words::TIME_PARTITIONER),
        ("path.format", partitioner == words::TIME_PARTITIONER),
        ("locale", timed),
        ("timezone", timed),
    ];
    for (key, visible) in shown {
        if let Some(value) = values.get_mut(key) {
            value.visible = visible;
        }
    }
}
