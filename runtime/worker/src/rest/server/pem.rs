//! PEM as Kafka takes it from settings: whatever stands between the lines, also all in one line.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One block of a PEM text.
pub(super) struct Block {
    /// What stands after BEGIN.
    pub label: String,
    /// The bytes within.
    pub der: Vec<u8>,
}

/// All blocks, in order; what stands around them is passed over. The error says what is wrong, without any of the text.
pub(super) fn blocks(text: &str) -> Result<Vec<Block>, &'static str> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, body) = after.split_once("-----").ok_or("a BEGIN line of the PEM text does not end")?;
        let (body, end) = body.split_once("-----END ").ok_or("a block of the PEM text has no END line")?;
        let base64: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let der = STANDARD.decode(base64).map_err(|_| "a block of the PEM text is not Base64 throughout")?;
        blocks.push(Block { label: label.to_owned(), der });
        rest = end;
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_any_lines() {
        for text in [
            "x\n-----BEGIN CERTIFICATE-----\nAQ\nI=\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\r\nAw==\r\n-----END PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE----- AQI= -----END CERTIFICATE----- -----BEGIN PRIVATE KEY----- Aw== -----END PRIVATE KEY-----",
        ] {
            let read: Vec<_> = blocks(text).unwrap().into_iter().map(|block| (block.label, block.der)).collect();
            assert_eq!(read, [("CERTIFICATE".to_owned(), vec![1, 2]), ("PRIVATE KEY".to_owned(), vec![3])]);
        }
        assert!(blocks("nothing").unwrap().is_empty());
        for text in ["-----BEGIN X", "-----BEGIN X-----AQI=", "-----BEGIN X-----A!-----END X-----"] {
            assert!(blocks(text).is_err(), "{text}");
        }
    }
}
