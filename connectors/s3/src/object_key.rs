//! Names of objects. Pure: the same settings and offset always give the same name, which is what makes a replay overwrite
//! its own objects.

/// How names are put together: `[<topics.dir>/]<topic>/<partition directory>/<topic>+<partition>+<start offset><ending>`.
#[derive(Clone, Debug)]
pub(crate) struct KeyLayout {
    /// First directory; empty leaves it out.
    pub(crate) topics_dir: String,
    /// Joins directories.
    pub(crate) directory_delim: String,
    /// Joins topic, partition and offset.
    pub(crate) file_delim: String,
    /// Least number of digits of the offset.
    pub(crate) offset_digits: usize,
    /// Ending with its dot.
    pub(crate) extension: String,
}

impl KeyLayout {
    /// The name of the object that begins with `start`.
    ///
    /// `topic` is the topic after transformations and makes the directory; `origin` and `partition` say where the records were
    /// consumed, so that two sources routed to one topic cannot take each other's names.
    pub(crate) fn key(&self, topic: &str, encoded_partition: &str, origin: &str, partition: i32, start: i64) -> String {
        let (dir, file) = (&self.directory_delim, &self.file_delim);
        let first = if self.topics_dir.is_empty() { String::new() } else { format!("{}{dir}", self.topics_dir) };
        let name = format!("{origin}{file}{partition}{file}{start:0width$}", width = self.offset_digits);
        format!("{first}{topic}{dir}{encoded_partition}{dir}{name}{}", self.extension)
    }
}

/// The directory that DefaultPartitioner gives the records of a Kafka partition.
pub(crate) fn encode_partition(partition: i32) -> String {
    format!("partition={partition}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> KeyLayout {
        KeyLayout {
            topics_dir: "topics".to_owned(),
            directory_delim: "/".to_owned(),
            file_delim: "+".to_owned(),
            offset_digits: 10,
            extension: ".snappy.parquet".to_owned(),
        }
    }

    #[test]
    fn the_usual_name() {
        let key = layout().key("orders", &encode_partition(12), "orders", 12, 42);
        assert_eq!(key, "topics/orders/partition=12/orders+12+0000000042.snappy.parquet");
    }

    #[test]
    fn a_renamed_topic_keeps_its_origin_in_the_file_name() {
        let key = layout().key("renamed", &encode_partition(0), "orders", 0, 0);
        assert_eq!(key, "topics/renamed/partition=0/orders+0+0000000000.snappy.parquet");
    }

    #[test]
    fn delimiters_and_digits() {
        let layout = KeyLayout {
            topics_dir: String::new(),
            directory_delim: "_".to_owned(),
            file_delim: "#".to_owned(),
            offset_digits: 1,
            extension: ".parquet".to_owned(),
        };
        assert_eq!(layout.key("t", &encode_partition(3), "t", 3, 12345), "t_partition=3_t#3#12345.parquet");
    }
}
