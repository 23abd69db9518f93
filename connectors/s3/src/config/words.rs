//! The words that settings take.

use millstream_api::config::Parsed;

pub(crate) const AVRO_FORMAT: &str = "io.confluent.connect.s3.format.avro.AvroFormat";
pub(crate) const JSON_FORMAT: &str = "io.confluent.connect.s3.format.json.JsonFormat";
pub(crate) const BYTES_FORMAT: &str = "io.confluent.connect.s3.format.bytearray.ByteArrayFormat";
pub(crate) const PARQUET_FORMAT: &str = "io.confluent.connect.s3.format.parquet.ParquetFormat";
pub(crate) const FORMATS: [&str; 4] = [AVRO_FORMAT, JSON_FORMAT, BYTES_FORMAT, PARQUET_FORMAT];

pub(crate) const S3_STORAGE: &str = "io.confluent.connect.s3.storage.S3Storage";

pub(crate) const DEFAULT_PARTITIONER: &str = "io.confluent.connect.storage.partitioner.DefaultPartitioner";
pub(crate) const HOURLY_PARTITIONER: &str = "io.confluent.connect.storage.partitioner.HourlyPartitioner";
pub(crate) const DAILY_PARTITIONER: &str = "io.confluent.connect.storage.partitioner.DailyPartitioner";
pub(crate) const TIME_PARTITIONER: &str = "io.confluent.connect.storage.partitioner.TimeBasedPartitioner";
pub(crate) const FIELD_PARTITIONER: &str = "io.confluent.connect.storage.partitioner.FieldPartitioner";
pub(crate) const PARTITIONERS: [&str; 5] =
    [DEFAULT_PARTITIONER, HOURLY_PARTITIONER, DAILY_PARTITIONER, TIME_PARTITIONER, FIELD_PARTITIONER];

pub(crate) const COMPATIBILITY: [&str; 4] = ["NONE", "BACKWARD", "FORWARD", "FULL"];

pub(crate) const DEFAULT_REGION: &str = "us-west-2";
pub(crate) const REGIONS: [&str; 43] = [
    "ap-south-2",
    "ap-south-1",
    "eu-south-1",
    "eu-south-2",
    "us-gov-east-1",
    "me-central-1",
    "il-central-1",
    "ca-central-1",
    "eu-central-1",
    "us-iso-west-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "eu-north-1",
    "eu-west-3",
    "eu-west-2",
    "eu-west-1",
    "ap-northeast-3",
    "ap-northeast-2",
    "ap-northeast-1",
    "me-south-1",
    "sa-east-1",
    "ap-east-1",
    "cn-north-1",
    "ca-west-1",
    "us-gov-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "us-iso-east-1",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "us-east-1",
    "us-east-2",
    "cn-northwest-1",
    "us-isob-east-1",
    "aws-global",
    "aws-cn-global",
    "aws-us-gov-global",
    "aws-iso-global",
    "aws-iso-b-global",
];

pub(crate) const DEFAULT_CREDENTIALS: &str = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider";
/// Providers that are part of AWS's usual chain: object_store walks the same places.
pub(crate) const CHAIN_CREDENTIALS: [&str; 8] = [
    DEFAULT_CREDENTIALS,
    "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    "software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider",
    "com.amazonaws.auth.EnvironmentVariableCredentialsProvider",
    "software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider",
    "software.amazon.awssdk.auth.credentials.InstanceProfileCredentialsProvider",
    "software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider",
    "com.amazonaws.auth.WebIdentityTokenCredentialsProvider",
];
pub(crate) const ANONYMOUS_CREDENTIALS: &str = "software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider";

pub(crate) const CANNED_ACLS: [&str; 8] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "log-delivery-write",
    "bucket-owner-read",
    "bucket-owner-full-control",
    "aws-exec-read",
];

/// A check for words in any case.
pub(crate) fn any_case(
    words: &'static [&'static str],
) -> impl Fn(&Parsed) -> Result<(), String> + Send + Sync + 'static {
    move |value| match value {
        Parsed::Text(text) if !words.iter().any(|word| word.eq_ignore_ascii_case(text)) => {
            Err(format!("String must be one of: {} (in any case)", words.join(", ")))
        }
        _ => Ok(()),
    }
}

/// Field names, dotted where nested: no part may be empty (a dot at the end is allowed, as in Java's split).
pub(crate) fn field_names(value: &Parsed) -> Result<(), String> {
    let Parsed::List(names) = value else { return Ok(()) };
    let bad = names.iter().any(|name| name.strip_suffix('.').unwrap_or(name).split('.').any(str::is_empty));
    if bad { Err("Field names must not have an empty part".to_owned()) } else { Ok(()) }
}

/// A zone of the tz database or an offset such as `+05:45`; empty passes.
pub(crate) fn time_zone(value: &Parsed) -> Result<(), String> {
    match value {
        Parsed::Text(text) if !text.is_empty() && !is_offset(text) && text.parse::<chrono_tz::Tz>().is_err() => {
            Err("Not a time zone: give a name such as Europe/Berlin or UTC, or an offset such as +05:30".to_owned())
        }
        _ => Ok(()),
    }
}

fn is_offset(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let Some(digits) = text.strip_prefix(['+', '-']) else { return false };
    let digits = digits.replace(':', "");
    let number = |part: &str, max: u32| part.parse::<u32>().is_ok_and(|n| n <= max);
    match digits.len() {
        2 => number(&digits, 23),
        4 => number(&digits[..2], 23) && number(&digits[2..], 59),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_offsets() {
        for good in ["UTC", "Europe/Berlin", "EST", "EST5EDT", "Etc/GMT+2", "Z", "+05", "+0545", "+05:45", "-03:00", ""]
        {
            assert!(time_zone(&Parsed::Text(good.to_owned())).is_ok(), "{good}");
        }
        for bad in ["Nowhere", "+25:00", "UTC+1", "GMT+2", "PST", "europe/berlin", "+é1", "+1"] {
            assert!(time_zone(&Parsed::Text(bad.to_owned())).is_err(), "{bad}");
        }
    }
}
